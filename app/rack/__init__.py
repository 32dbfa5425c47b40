"""The one façade behind every front end: Qt, command line, HTTP."""
