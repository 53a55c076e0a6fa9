"""The fines tool: notices received from the agency, their deadlines, and the answers users give."""
