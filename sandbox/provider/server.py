"""Terraform's plugin protocol 6 over gRPC: each call is unpacked, handed to the provider and packed again.

Knows messages and the provider's methods; decides nothing.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from concurrent import futures
from typing import Any

import grpc
from tf.gen import grpc_controller_pb2, grpc_controller_pb2_grpc
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

from . import facts
from .diagnostics import Diagnostic, Diagnostics, Refused
from .http import WANTED
from .protocol import (
    diagnostic_messages,
    dump,
    dump_private,
    load,
    load_private,
    load_state_json,
    path_message,
    schema_message,
)
from .provider import Provider

LOG = logging.getLogger(__name__)
_LARGEST_MESSAGE = 256 << 20
_WORKERS = 64  # Terraform runs ten operations at a time, there may be several Terraforms, and each can be interrupted


class _Controller(grpc_controller_pb2_grpc.GRPCControllerServicer):  # type: ignore[misc]  # generated, without types
    """Terraform says goodbye through this; an attached provider stays for the next run."""

    def Shutdown(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Do nothing: who started the provider ends it."""
        return grpc_controller_pb2.Empty()


Method = Callable[[Any, Any, Any], Any]


def _answered(method: Method) -> Method:
    """What goes wrong reaches the user as a diagnostic instead of breaking the connection."""
    name = method.__name__

    @functools.wraps(method)
    def answered(self: Any, request: Any, context: Any) -> Any:
        WANTED.set(context.is_active)  # Terraform may be killed while an operation is under way
        try:
            return method(self, request, context)
        except Refused as refused:
            problem = refused.diagnostic
        except Exception as error:  # noqa: BLE001 - the boundary: a broken connection would tell nobody anything
            problem = _bug(name, request, error)
        return getattr(pb, name).Response(diagnostics=diagnostic_messages([problem]))

    return answered


def _bug(name: str, request: Any, error: Exception) -> Diagnostic:
    LOG.exception("%s failed", name)
    what = f"{name} {getattr(request, 'type_name', '')}: {error!r}"
    return Diagnostic("error", "The embedded provider has a bug", what)


class Servicer(rpc.ProviderServicer):  # type: ignore[misc]  # generated, without types
    """The protocol's methods."""

    def __init__(self, provider: Provider):
        self._provider = provider
        self._schema: Any = None

    @_answered
    def GetMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Name the types."""
        return pb.GetMetadata.Response(
            server_capabilities=_CAPABILITIES,
            resources=[pb.GetMetadata.ResourceMetadata(type_name=name) for name in facts.names("resource")],
            data_sources=[pb.GetMetadata.DataSourceMetadata(type_name=name) for name in facts.names("data")],
        )

    @_answered
    def GetProviderSchema(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Describe the types."""
        if self._schema is None:
            self._schema = pb.GetProviderSchema.Response(
                provider=schema_message(facts.schema("provider")),
                provider_meta=pb.Schema(block=pb.Schema.Block()),
                server_capabilities=_CAPABILITIES,
                resource_schemas={
                    name: schema_message(facts.schema("resource", name)) for name in facts.names("resource")
                },
                data_source_schemas={name: schema_message(facts.schema("data", name)) for name in facts.names("data")},
            )
        return self._schema

    @_answered
    def GetResourceIdentitySchemas(self, request: Any, context: Any) -> Any:  # noqa: N802
        """No type has an identity of its own."""
        return pb.GetResourceIdentitySchemas.Response()

    @_answered
    def GetFunctions(self, request: Any, context: Any) -> Any:  # noqa: N802
        """There are none."""
        return pb.GetFunctions.Response()

    def StopProvider(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Terraform was interrupted: no operation waits for another try of its request."""
        self._provider.interrupt()
        return pb.StopProvider.Response()

    # ------------------------------------------------------------------------------------------------ validation

    def _validate(self, kind: str, name: str, config: Any) -> list[Any]:
        found = Diagnostics()
        self._provider.validate(kind, name, load(config, facts.schema(kind, name)) or {}, found)
        return diagnostic_messages(found.found)

    @_answered
    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Check the provider block."""
        return pb.ValidateProviderConfig.Response(diagnostics=self._validate("provider", "", request.config))

    @_answered
    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Check a resource block."""
        return pb.ValidateResourceConfig.Response(
            diagnostics=self._validate("resource", request.type_name, request.config)
        )

    @_answered
    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Check a data block."""
        return pb.ValidateDataResourceConfig.Response(
            diagnostics=self._validate("data", request.type_name, request.config)
        )

    @_answered
    def ConfigureProvider(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Take base URL and credentials."""
        config = load(request.config, facts.schema("provider")) or {}
        self._provider.configure(config, request.terraform_version)
        return pb.ConfigureProvider.Response()

    # ------------------------------------------------------------------------------------------------- resources

    @_answered
    def UpgradeResourceState(self, request: Any, context: Any) -> Any:  # noqa: N802
        """State is kept in today's form; older forms are the official provider's."""
        schema = facts.schema("resource", request.type_name)
        state = load_state_json(request.raw_state.json, schema)
        return pb.UpgradeResourceState.Response(upgraded_state=dump(state, schema))

    @_answered
    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Refresh."""
        schema, found = facts.schema("resource", request.type_name), Diagnostics()
        state = load(request.current_state, schema)
        if state is None:
            return pb.ReadResource.Response(new_state=request.current_state, private=request.private)
        new, notes = self._provider.read(request.type_name, state, load_private(request.private), found)
        return pb.ReadResource.Response(
            new_state=dump(new, schema), private=dump_private(notes), diagnostics=diagnostic_messages(found.found)
        )

    @_answered
    def PlanResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Plan."""
        schema, found = facts.schema("resource", request.type_name), Diagnostics()
        state, proposed = load(request.prior_state, schema), load(request.proposed_new_state, schema)
        notes = load_private(request.prior_private)
        planned = self._provider.plan(request.type_name, state, proposed, load(request.config, schema), notes, found)
        return pb.PlanResourceChange.Response(
            planned_state=dump(planned.value, schema),
            requires_replace=[path_message(path) for path in planned.replace],
            planned_private=dump_private(planned.private),
            diagnostics=diagnostic_messages(found.found),
        )

    @_answered
    def ApplyResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Create, update or destroy; if that fails the state stays what it was."""
        schema, found = facts.schema("resource", request.type_name), Diagnostics()
        state, planned = load(request.prior_state, schema), load(request.planned_state, schema)
        config, notes = load(request.config, schema), load_private(request.planned_private)
        try:
            new, notes = self._provider.apply(request.type_name, state, planned, config, notes, found)
        except Refused as refused:
            new = state
            found.found.append(refused.diagnostic)
        except Exception as error:  # noqa: BLE001 - the boundary: a broken connection would tell nobody anything
            new = state
            found.found.append(_bug("ApplyResourceChange", request, error))
        return pb.ApplyResourceChange.Response(
            new_state=dump(new, schema), private=dump_private(notes), diagnostics=diagnostic_messages(found.found)
        )

    @_answered
    def ImportResourceState(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Import."""
        schema, found = facts.schema("resource", request.type_name), Diagnostics()
        new, notes = self._provider.import_state(request.type_name, request.id, found)
        imported = pb.ImportResourceState.ImportedResource(
            type_name=request.type_name, state=dump(new, schema), private=dump_private(notes)
        )
        return pb.ImportResourceState.Response(
            imported_resources=[imported], diagnostics=diagnostic_messages(found.found)
        )

    @_answered
    def ReadDataSource(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Look something up."""
        schema = facts.schema("data", request.type_name)
        found = self._provider.read_data(request.type_name, load(request.config, schema) or {})
        return pb.ReadDataSource.Response(state=dump(found, schema))


_OPTIONS = [("grpc.max_send_message_length", _LARGEST_MESSAGE), ("grpc.max_receive_message_length", _LARGEST_MESSAGE)]
_CAPABILITIES = pb.ServerCapabilities(plan_destroy=True, get_provider_schema_optional=True)


class Server:
    """A running provider."""

    def __init__(self, socket: str, environment: Mapping[str, str]):
        self._provider = Provider(environment)
        self._grpc = grpc.server(
            futures.ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="provider"), options=_OPTIONS
        )
        rpc.add_ProviderServicer_to_server(Servicer(self._provider), self._grpc)
        grpc_controller_pb2_grpc.add_GRPCControllerServicer_to_server(_Controller(), self._grpc)
        self._grpc.add_insecure_port(f"unix:{socket}")
        self._grpc.start()

    def stop(self, grace: float | None) -> None:
        """End after the calls under way, or after so many seconds."""
        self._grpc.stop(grace).wait()
        self._provider.close()
