package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
)

// LoadAWS reads the SDK's own environment: region, credentials, AWS_ENDPOINT_URL,
// AWS_CA_BUNDLE.
func LoadAWS(ctx context.Context, options ...func(*config.LoadOptions) error) (aws.Config, error) {
	base := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = 160                // a streamer reads with 128 workers, besides its pollers
		t.IdleConnTimeout = 50 * time.Second       // below the minute after which AWS closes
		t.ResponseHeaderTimeout = 25 * time.Second // above a long poll of 20 s
	})
	cfg, err := config.LoadDefaultConfig(ctx, append(options, config.WithHTTPClient(base))...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS configuration: %w", err)
	}
	if with, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok { // and the certificates, if any
		cfg.HTTPClient = &Client{http.Client{
			Transport:     with.GetTransport(),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // as the SDK's own
		}}
	}
	return cfg, nil
}

// Client is the SDK's HTTP client. It sends a copy of each request's body: the SDK
// closes the body as soon as the answer begins; net/http may not have looked for its
// end yet, takes that for a failed request and cuts the connection under the answer.
// An emulator on the same machine is quick enough for one call in a hundred to fail so.
type Client struct{ http.Client }

// Do implements aws.HTTPClient.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return c.Client.Do(r)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	sent := r.Clone(r.Context())
	sent.Body = io.NopCloser(bytes.NewReader(b))
	return c.Client.Do(sent)
}
