// Command groupchats is the Lambda function of group chats, their members and
// messages: /api/groupchats.
package main

import (
	"tidings/internal/app"
	"tidings/internal/httpapi"
)

func main() { app.Lambda((*httpapi.API).GroupChatsHandler) }
