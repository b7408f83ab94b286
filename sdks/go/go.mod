module github.com/your-org/messaging-sdk-go

go 1.24.0

require (
	github.com/coder/websocket v1.8.15
	github.com/gowebpki/jcs v1.0.2
	github.com/standard-webhooks/standard-webhooks/libraries v0.0.1
)
