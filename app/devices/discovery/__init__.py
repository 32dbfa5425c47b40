"""Which phones there are: addresses, adb servers, cables and the network watched."""
