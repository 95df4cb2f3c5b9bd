"""Rules of single types that no general rule covers, one module each; a row of the table names its module."""
