"""Workers: one store for the classic script API and the newer workers API.

The named Worker, its versions and its deployments are the same objects whichever way they are reached; the classic
"script" is a view of the Worker with its newest version.
"""
