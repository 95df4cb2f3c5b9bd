"""The two moto backends that are used, and nothing else of moto's configuration.

Moto keeps a backend per account and region; the sandbox has one account and answers in one region, whichever a client
signs for.
"""

from __future__ import annotations

from typing import Any

REGION = "us-east-1"


def s3() -> Any:
    """Moto's S3: buckets and objects."""
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]


def secretsmanager() -> Any:
    """Moto's Secrets Manager."""
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.secretsmanager.models import secretsmanager_backends

    return secretsmanager_backends[DEFAULT_ACCOUNT_ID][REGION]


def application(service: Any) -> Any:
    """Moto's WSGI application for one service."""
    from moto.moto_server.werkzeug_app import create_backend_app

    app = create_backend_app(service)
    app.debug = False
    app.config["PROPAGATE_EXCEPTIONS"] = True  # the gateway logs them
    return app
