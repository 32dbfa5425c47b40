"""What this machine has and lacks: displays, system libraries, runtimes."""
