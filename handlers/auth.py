"""Logging in and out, sessions, the password."""

from uuid import UUID

from generated import models
from parley.contract import NO_CONTENT, Reply, current_request, listed, ok
from parley.model import Caller
from parley.services import services


async def login(*, body: models.Credentials) -> Reply:
    request = current_request()
    tokens = await services().accounts.log_in(
        body.email, body.password, user_agent=request.user_agent, address=request.address
    )
    return ok(tokens)


async def refresh(*, body: models.RefreshToken, idempotency_key: str | None = None) -> Reply:
    tokens, replayed = await services().sessions.refresh(body.refresh_token, idempotency_key)
    return ok(tokens, replayed)


async def logout(*, caller: Caller) -> Reply:
    await services().sessions.log_out(caller)
    return NO_CONTENT


async def list_sessions(*, caller: Caller) -> Reply:
    return listed("sessions", await services().sessions.list_all(caller))


async def revoke_session(*, session_id: UUID, caller: Caller) -> Reply:
    await services().sessions.revoke(caller, session_id)
    return NO_CONTENT


async def change_password(*, body: models.ChangePassword, caller: Caller) -> Reply:
    await services().accounts.change_password(caller, body.current_password, body.new_password)
    return NO_CONTENT
