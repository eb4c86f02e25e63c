// Command conversations is the Lambda function of 1:1 conversations and their
// messages: /api/conversations.
package main

import (
	"tidings/internal/app"
	"tidings/internal/httpapi"
)

func main() { app.Lambda((*httpapi.API).ConversationsHandler) }
