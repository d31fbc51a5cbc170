package push

import "sync"

// maxKnown bounds the number of cached layers; each uses some 300 bytes.
const maxKnown = 4096

// known maps the digests of layers' contents to those of the compressed layers. It
// is in memory only: a changed volume can't forge it.
type known struct {
	mu     sync.Mutex
	layers map[string]compressed
	order  []string // the oldest first
}

func (k *known) get(diffID string) (compressed, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found, ok := k.layers[diffID]
	return found, ok
}

func (k *known) put(diffID string, made compressed) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.layers == nil {
		k.layers = map[string]compressed{}
	}
	if _, ok := k.layers[diffID]; !ok {
		if len(k.order) == maxKnown {
			delete(k.layers, k.order[0])
			k.order = k.order[1:]
		}
		k.order = append(k.order, diffID)
	}
	k.layers[diffID] = made
}
