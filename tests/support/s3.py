"""An S3 server on loopback (moto's), and buckets on it as the deployer's adapters see them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from moto.server import ThreadedMotoServer

from deployer.adapters.aws import AwsAccess
from deployer.adapters.state import Bucket


@contextlib.contextmanager
def aws_server() -> Iterator[str]:
    """The address of a server that has nothing yet."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def access(endpoint: str, service: str) -> AwsAccess:
    """How to reach a service of that server, whatever the machine's own AWS settings are."""
    made_up = "made-up"
    return AwsAccess(
        service=service, region="us-east-1", endpoint=endpoint, access_key=made_up, secret_key=made_up, isolated=True
    )


def bucket(endpoint: str, name: str) -> Bucket:
    """A bucket that exists."""
    made = Bucket(access(endpoint, "s3"), name)
    if not made.exists():
        made.create(location="weur")
    return made
