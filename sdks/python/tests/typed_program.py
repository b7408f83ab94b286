"""What a program sees of the types; it is read by mypy only. Each mistake in it has to be found, or mypy complains."""

from typing import assert_type

from parley_sdk import AsyncClient, Client, UnknownEvent, UnknownPayload, Webhook, models
from parley_sdk.generated.facts import Event


def listening(client: Client) -> None:
    for event in client.listen():
        if event.type == "message":
            assert_type(event, models.MessageEvent)
            assert_type(event.data.content, str | None)
            print(event.data.contnt)  # type: ignore[attr-defined] # there is no such field
        if event.type == "mesage":  # type: ignore[comparison-overlap] # there is no such type
            return
        match event:
            case models.TypingNotice(data=typing):
                assert_type(typing, models.Typing)
                print(typing.is_tping)  # type: ignore[attr-defined] # there is no such field
            case models.ResyncNotice():
                assert_type(event.data.reason, str)
            case UnknownEvent():
                assert_type(event.name, str)
        print(event.data.content)  # type: ignore[union-attr] # only messages have one


def walking(client: Client) -> None:
    for group in client.each(client.list_groups, visibility="public"):
        assert_type(group, models.Group)
    for message in client.each(client.list_messages, conversation_id="c", before="m"):
        assert_type(message, models.Message)
    for member in client.each(client.list_members, "g"):
        assert_type(member, models.Member)
    for event in client.each(client.list_events, after="0"):
        assert_type(event, Event)
    client.each(client.list_groups, visiblity="public")  # type: ignore[call-overload] # a slip of the pen
    client.each(client.get_me)  # type: ignore[call-overload] # this is no list


async def awaiting(client: AsyncClient) -> None:
    async for webhook in client.each(client.list_webhooks):
        assert_type(webhook, models.Webhook)
    async for event in client.listen():
        if event.type == "receipt":
            assert_type(event, models.ReceiptEvent)
    client.each(client.list_groups, visiblity="public")  # type: ignore[call-overload] # a slip of the pen


def receiving(webhook: Webhook, body: bytes) -> None:
    event = webhook.verify(body, {})
    if event.event == "message.created":
        assert_type(event, models.MessageCreatedPayload)
        print(event.data.contnt)  # type: ignore[attr-defined] # there is no such field
    if isinstance(event, UnknownPayload):
        assert_type(event.name, str)
