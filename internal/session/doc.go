// Package session knows who sends a request: password hashes, the service's own
// signed tokens, the sessions of NextAuth and Auth.js, and the cookie or header that
// carries them.
//
// It answers from the request alone, but for the account of a NextAuth subject.
// Whether a session was revoked is asked elsewhere: by chat.Accounts in the REST
// routes, by the hub in the streamer.
package session
