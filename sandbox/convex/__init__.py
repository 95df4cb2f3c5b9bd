"""Convex's stand-in: the control plane and Management API here, the deployments in one Node process (`host/`).

The two meet on a private socket (`node_host.py`): this side says which deployments there are, with their keys and
ports; the Node side keeps what a deployment holds and runs what was pushed. Neither knows the deployer.
"""
