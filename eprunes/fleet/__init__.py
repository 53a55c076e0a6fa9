"""The fleet tool: vehicles, the drivers they are attributed to, and who held which vehicle when."""
