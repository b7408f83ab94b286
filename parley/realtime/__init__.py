"""The live edge: sockets that hear every event of theirs once, in order.

    uvicorn ─> parley/server.py ─> handshake ─> socket (RFC 6455, permessage-deflate) ─> whole messages

`wire` decides what bytes mean, `socket` does it; neither knows what a message says.
"""
