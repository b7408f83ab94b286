package parley

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/your-org/messaging-sdk-go/wire"
)

// Tokens are a session. ExpiresAt is the end of the access token by this machine's clock.
type Tokens struct {
	AccessToken  string        `json:"access_token"`
	RefreshToken string        `json:"refresh_token"`
	ExpiresAt    time.Time     `json:"expires_at"`
	Lifetime     time.Duration `json:"lifetime"`
}

// Format shows no token. Of what is in an unexported field of another struct fmt asks no method.
func (t Tokens) Format(state fmt.State, verb rune) {
	type shown Tokens
	t.AccessToken, t.RefreshToken = wire.Hidden, wire.Hidden
	fmt.Fprintf(state, fmt.FormatString(state, verb), shown(t))
}

// left is for how long the access token is still good. After a process ended only the clock of the machine tells, which
// may have been set back.
func (t Tokens) left() time.Duration { return min(time.Until(t.ExpiresAt), t.Lifetime) }

// TokenStore keeps one session. Save has to be done when it returns: the tokens of before are worth nothing then. Load
// gives nil where there is none.
type TokenStore interface {
	Load() (*Tokens, error)
	Save(Tokens) error
	Clear() error
}

// CursorStore keeps where a listener stands; the empty cursor is none.
type CursorStore interface {
	Load() (string, error)
	Save(cursor string) error
}

// MemoryTokenStore forgets with the process.
type MemoryTokenStore struct {
	mutex  sync.Mutex
	tokens *Tokens
}

// Format shows no token.
func (s *MemoryTokenStore) Format(state fmt.State, _ rune) { fmt.Fprint(state, "MemoryTokenStore") }

// Load returns the session.
func (s *MemoryTokenStore) Load() (*Tokens, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.tokens, nil
}

// Save keeps a session.
func (s *MemoryTokenStore) Save(tokens Tokens) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.tokens = &tokens
	return nil
}

// Clear forgets it.
func (s *MemoryTokenStore) Clear() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.tokens = nil
	return nil
}

// FileTokenStore is a file that only its owner can read (mode 0600); it is replaced as a whole, so that a crash leaves
// the old one. Several clients, and programs, may share it. A file that is damaged is as none: it is an ErrSessionEnded
// that names it.
type FileTokenStore struct{ Path string }

// Load returns the session.
func (s FileTokenStore) Load() (*Tokens, error) {
	text, err := os.ReadFile(s.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var tokens Tokens
	if err := json.Unmarshal(text, &tokens); err != nil || tokens.AccessToken == "" || tokens.RefreshToken == "" {
		return nil, fmt.Errorf("%w: %s holds no tokens that can be read", ErrSessionEnded, s.Path)
	}
	return &tokens, nil
}

// Save keeps a session.
func (s FileTokenStore) Save(tokens Tokens) error {
	text, err := json.Marshal(tokens)
	if err != nil {
		return err
	}
	return replaceFile(s.Path, text)
}

// Clear removes the file.
func (s FileTokenStore) Clear() error {
	if err := os.Remove(s.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// MemoryCursorStore forgets with the process; it may begin with a cursor, of which "0" is the beginning of what is kept.
type MemoryCursorStore struct {
	mutex  sync.Mutex
	cursor string
}

// NewMemoryCursorStore begins with a cursor.
func NewMemoryCursorStore(cursor string) *MemoryCursorStore {
	return &MemoryCursorStore{cursor: cursor}
}

// Load returns the cursor.
func (s *MemoryCursorStore) Load() (string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.cursor, nil
}

// Save keeps a cursor.
func (s *MemoryCursorStore) Save(cursor string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.cursor = cursor
	return nil
}

// FileCursorStore is a file with the cursor.
type FileCursorStore struct{ Path string }

// Load returns the cursor.
func (s FileCursorStore) Load() (string, error) {
	text, err := os.ReadFile(s.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(text), err
}

// Save keeps a cursor.
func (s FileCursorStore) Save(cursor string) error { return replaceFile(s.Path, []byte(cursor)) }

func replaceFile(path string, text []byte) (err error) {
	// It is made with mode 0600.
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	if _, err = file.Write(text); err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
