// Command notifications is the Lambda function of notifications: /api/notifications.
package main

import (
	"tidings/internal/app"
	"tidings/internal/httpapi"
)

func main() { app.Lambda((*httpapi.API).NotificationsHandler) }
