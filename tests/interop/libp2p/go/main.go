// A go-libp2p peer for interop tests; ../README.md says what each peer does.
//
//	peer listen [--key=TYPE]                    peer dial MULTIADDR [BYTES] [--key=TYPE]
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multiaddr"
)

const (
	sinkProtocol   = "/jamliquor/sink/1.0.0"
	sourceProtocol = "/jamliquor/source/1.0.0"
	agent          = "jamliquor-peer/go-libp2p-0.47.0"
	defaultBytes   = 16 << 20
	period         = 1 << 16 // of the pattern
	pings          = 5
	rsaBits        = 2048
)

var keyTypes = map[string]int{
	"rsa": crypto.RSA, "ed25519": crypto.Ed25519, "secp256k1": crypto.Secp256k1, "ecdsa": crypto.ECDSA,
}

type report struct {
	Agent     string        `json:"agent"`
	Protocols []protocol.ID `json:"protocols"`
	PingMs    []float64     `json:"ping_ms"`
	SinkOk    bool          `json:"sink_ok"`
	SourceOk  bool          `json:"source_ok"`
	SinkS     float64       `json:"sink_s"`
	SourceS   float64       `json:"source_s"`
	Security  protocol.ID   `json:"security"`
	Muxer     protocol.ID   `json:"muxer"`
	Early     bool          `json:"early_muxer"`
}

// pattern is the stream of bytes whose byte i is i * 131 + i / 256, both modulo 256.
type pattern struct{ at int }

func (p *pattern) Read(into []byte) (int, error) {
	for i := range into {
		into[i] = byte(p.at*131 + p.at>>8)
		p.at = (p.at + 1) % period
	}
	return len(into), nil
}

func patternOf(size uint64) io.Reader { return io.LimitReader(&pattern{}, int64(size)) }

func hashOf(from io.Reader) (uint64, []byte, error) {
	hash := sha256.New()
	count, err := io.Copy(hash, from)
	return uint64(count), hash.Sum(nil), err
}

func serve(stream network.Stream, answer func(network.Stream) error) {
	err := answer(stream)
	if err == nil {
		err = stream.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "stream:", err)
		stream.Reset()
	}
}

func answerSink(stream network.Stream) error {
	count, hash, err := hashOf(stream)
	if err != nil {
		return err
	}
	_, err = stream.Write(append(binary.BigEndian.AppendUint64(nil, count), hash...))
	return err
}

func answerSource(stream network.Stream) error {
	var size uint64
	if err := binary.Read(stream, binary.BigEndian, &size); err != nil {
		return err
	}
	_, err := io.Copy(stream, patternOf(size))
	return err
}

func makeHost(key string, listen ...string) (host.Host, error) {
	kind, known := keyTypes[key]
	if !known {
		return nil, fmt.Errorf("no type of key %q", key)
	}
	secret, _, err := crypto.GenerateKeyPairWithReader(kind, rsaBits, rand.Reader)
	if err != nil {
		return nil, err
	}
	node, err := libp2p.New(
		libp2p.Identity(secret),
		libp2p.UserAgent(agent),
		libp2p.ListenAddrStrings(listen...),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
	)
	if err != nil {
		return nil, err
	}
	node.SetStreamHandler(sinkProtocol, func(stream network.Stream) { serve(stream, answerSink) })
	node.SetStreamHandler(sourceProtocol, func(stream network.Stream) { serve(stream, answerSource) })
	return node, nil
}

func listen(ctx context.Context, key string) error {
	node, err := makeHost(key, "/ip4/127.0.0.1/tcp/0")
	if err != nil {
		return err
	}
	defer node.Close()
	fmt.Printf("READY %s/p2p/%s\n", node.Addrs()[0], node.ID())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
	}()
	<-ctx.Done()
	return nil
}

func dial(ctx context.Context, key, address string, size uint64) error {
	target, err := multiaddr.NewMultiaddr(address)
	if err != nil {
		return err
	}
	remote, err := peer.AddrInfoFromP2pAddr(target)
	if err != nil {
		return err
	}
	node, err := makeHost(key)
	if err != nil {
		return err
	}
	defer node.Close()
	events, err := node.EventBus().Subscribe([]any{
		new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerIdentificationFailed),
	})
	if err != nil {
		return err
	}
	defer events.Close()
	if err := node.Connect(ctx, *remote); err != nil {
		return err
	}
	var result report
	select {
	case said := <-events.Out():
		identified, ok := said.(event.EvtPeerIdentificationCompleted)
		if !ok {
			return fmt.Errorf("identify: %w", said.(event.EvtPeerIdentificationFailed).Reason)
		}
		result.Agent, result.Protocols = identified.AgentVersion, identified.Protocols
		state := identified.Conn.ConnState()
		result.Security, result.Muxer = state.Security, state.StreamMultiplexer
		result.Early = state.UsedEarlyMuxerNegotiation
	case <-ctx.Done():
		return ctx.Err()
	}
	pinging, cancel := context.WithCancel(ctx)
	answers := ping.Ping(pinging, node, remote.ID)
	for range pings {
		answer := <-answers
		if answer.Error != nil {
			cancel()
			return fmt.Errorf("ping: %w", answer.Error)
		}
		result.PingMs = append(result.PingMs, answer.RTT.Seconds()*1e3)
	}
	cancel()
	if err := transfer(ctx, node, remote.ID, size, &result); err != nil {
		return err
	}
	line, err := json.Marshal(result)
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	if !result.SinkOk || !result.SourceOk {
		return errors.New("what came is not what was sent")
	}
	return nil
}

func transfer(ctx context.Context, node host.Host, remote peer.ID, size uint64, result *report) error {
	_, expected, err := hashOf(patternOf(size))
	if err != nil {
		return err
	}
	start := time.Now()
	stream, err := node.NewStream(ctx, remote, sinkProtocol)
	if err != nil {
		return err
	}
	if _, err := io.Copy(stream, patternOf(size)); err != nil {
		return err
	}
	if err := stream.CloseWrite(); err != nil {
		return err
	}
	answer, err := io.ReadAll(stream)
	if err != nil {
		return err
	}
	result.SinkOk = bytes.Equal(answer, append(binary.BigEndian.AppendUint64(nil, size), expected...))
	result.SinkS = time.Since(start).Seconds()

	start = time.Now()
	stream, err = node.NewStream(ctx, remote, sourceProtocol)
	if err != nil {
		return err
	}
	if err := binary.Write(stream, binary.BigEndian, size); err != nil {
		return err
	}
	if err := stream.CloseWrite(); err != nil {
		return err
	}
	count, hash, err := hashOf(stream)
	if err != nil {
		return err
	}
	result.SourceOk = count == size && bytes.Equal(hash, expected)
	result.SourceS = time.Since(start).Seconds()
	return nil
}

func run() error {
	key, words := "ed25519", []string{}
	for _, word := range os.Args[1:] {
		if value, is := strings.CutPrefix(word, "--key="); is {
			key = value
		} else {
			words = append(words, word)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	switch {
	case len(words) == 1 && words[0] == "listen":
		return listen(ctx, key)
	case len(words) >= 2 && len(words) <= 3 && words[0] == "dial":
		size := uint64(defaultBytes)
		if len(words) == 3 {
			var err error
			if size, err = strconv.ParseUint(words[2], 10, 63); err != nil {
				return err
			}
		}
		return dial(ctx, key, words[1], size)
	}
	return errors.New("usage: peer listen [--key=TYPE] | peer dial MULTIADDR [BYTES] [--key=TYPE]")
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", strings.ReplaceAll(err.Error(), "\n", " "))
		os.Exit(1)
	}
}
