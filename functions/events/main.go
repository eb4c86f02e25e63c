// Command events is the Lambda function of events that other services emit:
// /api/events/emit. The stream itself, /api/events, is the streamer's.
package main

import (
	"tidings/internal/app"
	"tidings/internal/httpapi"
)

func main() { app.Lambda((*httpapi.API).EventsHandler) }
