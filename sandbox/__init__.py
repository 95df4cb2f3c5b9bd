"""The embedded stand-ins: everything the deployer talks to, on 127.0.0.1, with state and the providers' rules.

Knows nothing of the deployer. They meet in `<home>/connection.json`, in HTTP and in the verbs of `python -m sandbox`.

How a service plugs in (the two files to read are `service.py` and `store.py`):

1. Subclass `service.Service`, give it a `name`, and export `create(context: Context) -> Service` from
   `sandbox/<name>/service.py`.
2. Its WSGI app (`app`) is served on the port remembered under `name`; the core wraps it with the request log, faults
   and `flush()`. Inside a request `requestlog.mark(environ, mutating=..., unknown=...)` corrects what is logged.
3. `context.folder` is its own folder in the home; `store.Snapshot` keeps a JSON document there, written atomically.
4. The core calls `start()`, `apply_seed(seed)`, `flush()` after every mutating request, `reset()` and `close()`.
"""
