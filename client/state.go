package client

import (
	"context"
	"net/http"
	"strings"

	"github.com/opensbs/sbs/api"
)

// StateImage exports the server's sealed state. With a bucket it is stored
// there under its name, and the reply holds no state.
func (c *Client) StateImage(ctx context.Context, bucket string) (api.StateImage, error) {
	const operation = "get-state-image"
	var image api.StateImage
	if err := c.value(ctx, request{operation, http.MethodGet, api.PathStateImage, api.StateSelector{Bucket: bucket}}, &image); err != nil {
		return api.StateImage{}, err
	}
	if !fileName(image.Name) || image.ExportTag == "" || (image.State == "") != (bucket != "") {
		return api.StateImage{}, unexpected(operation, "the reply has no proper name or no state")
	}
	return image, nil
}

// ImportState brings a state to a server, by itself or by the object it is in.
func (c *Client) ImportState(ctx context.Context, state api.StateImport) (api.Answer, error) {
	const operation = "post-state-image"
	answer, err := c.answer(ctx, request{operation, http.MethodPost, api.PathStateImage, state})
	if err == nil && !strings.HasPrefix(answer.Status, api.StatusOK) {
		return api.Answer{}, &Error{Operation: operation, Code: answer.Code, Key: answer.Key, Message: answer.Status}
	}
	return answer, err
}
