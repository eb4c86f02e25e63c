// Package session knows who sends a request: password hashes, the service's own
// signed tokens, and the cookie or header that carries them.
//
// It answers from the request alone. Whether a session was revoked is asked
// elsewhere: by chat.Accounts in the REST routes, by the hub in the streamer.
package session
