package stream

import "tidings/internal/chat"

// EventTypes are the stream's own events, which are about the connection and have
// no id: their type stands in the SSE field event. Data is an example.
var EventTypes = []chat.EventType{
	{Name: "ready", Doc: "The stream's position is fixed: fetch the lists now and apply what comes from here on.", Data: readyData{ConnectionID: "KVLZ5Q7YHTXW4R3SJ2N6MPBCAD", Resumed: false}},
	{Name: "heartbeat", Doc: "The stream is alive, never more than 30 s after the last one; ts is the server's clock in Unix milliseconds.", Data: heartbeatData{TS: 1_700_000_025_000}},
	{Name: "reset", Doc: "What lies between the client's position and here is not told: fetch your lists again. The reason is expired, invalid, selection or overflow.", Data: resetData{Reason: "expired"}},
	{Name: "reconnect", Doc: "This instance is full or going away; connect again after the delay.", Data: reconnectData{DelayMS: 2417}},
	{Name: "revoked", Doc: "The session has ended and the stream ends with it. The reason is logout, expired, deleted or replaced.", Data: revokedData{Reason: "logout"}},
}
