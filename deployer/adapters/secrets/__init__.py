"""Where secret values come from: AWS Secrets Manager or the environment of the target."""

from __future__ import annotations

from deployer.adapters.secrets.manager import SecretsManager

__all__ = ["SecretsManager"]
