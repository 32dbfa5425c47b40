"""What carries ADB: TCP, USB, adb servers; tunnels through a link."""
