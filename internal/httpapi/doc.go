// Package httpapi is the REST API as http.Handlers, one per area: each handler
// decodes, calls one service of internal/chat, encodes, and returns an error.
//
// A noun is a file (auth.go, user.go, conversation.go, message.go); what all
// routes share stands in api.go (routes), call.go (one request's way), problem.go
// (errors), decode.go and field.go (bodies), query.go, origin.go (CSRF) and
// idempotency.go.
//
// The path of a request is its decoded path, because that is all API Gateway
// hands on: "%2F" is a slash here too, so that a request means the same with and
// without a gateway before it.
package httpapi
