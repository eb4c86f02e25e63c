// Command friends is the Lambda function of friendships and friend requests:
// /api/friends.
package main

import (
	"tidings/internal/app"
	"tidings/internal/httpapi"
)

func main() { app.Lambda((*httpapi.API).FriendsHandler) }
