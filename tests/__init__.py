"""What proves that it works: unit, integration, window, performance."""
