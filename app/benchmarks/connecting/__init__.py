"""What `bench devices` measures of reaching phones: links, plugging, an adb server."""
