// Command auth is the Lambda function of accounts, log-ins and people: /api/auth
// and /api/users.
package main

import (
	"tidings/internal/app"
	"tidings/internal/httpapi"
)

func main() { app.Lambda((*httpapi.API).AuthHandler) }
