"""Stand-ins for the actions of others that the workflows use, for rehearsals by act; see `begin.py`."""
