// Package lambdahttp turns API Gateway HTTP API events (payload format 2.0) into
// requests for an http.Handler and its answers into responses, and the other way
// round, so that the local system calls the same functions in the same way.
//
// # What API Gateway does to a request
//
// Not all of it is documented. The decoding of paths is known from events that
// others recorded and published (github.com/hotsock/voker, July 2026), the choice
// of base64 from a comparison with the service (ministackorg/ministack, pull
// request 766). The events in testdata are written after these and AWS's examples.
//
//   - rawPath is percent-decoded, so "%2F" has become "/" and can't be told from
//     it, and it is decoded twice, so "%2525" arrives as "%". A "?" that the first
//     decoding brings up ends the path. Only the first decoding is imitated here.
//   - rawQueryString is as the client sent it. queryStringParameters are decoded,
//     repeated ones joined by commas: of no use to rebuild a query.
//   - Header names are in lower case, repeated headers joined by a comma without a
//     space. Which commas are joints is not to be seen (dates have their own), so
//     nothing is split again; RFC 9110 section 5.3 gives both forms one meaning.
//   - Cookies are in an array of their own and not among the headers.
//   - A body is text only for text/* and application/json, xml and javascript;
//     everything else comes in base64.
//   - A POST without body and Content-Type may get a Content-Type on the way.
//   - The path of a named stage begins with its name, that of $default does not.
//
// # Limits
//
// API Gateway refuses request lines with headers above 10,240 bytes, payloads
// above 10 MB, and waits 30 s for a function. Lambda takes and gives at most 6 MB
// a call, the JSON of the event included, which is the limit that is met first.
package lambdahttp
