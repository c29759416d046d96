// A gRPC client of Go that finds the replicas of coding by xDS. For each line of stdin, such as {"calls": 100, "headers":
// {"x-canary": "yes"}}, it calls GetTask that often and prints who answered how often. Messages stay bytes: no stubs are needed.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	_ "google.golang.org/grpc/xds"
)

const getTask = "/agentmesh.v1.TaskService/GetTask"

var request = []byte("\n\x08coding.0")

// raw passes bytes through.
type raw struct{}

func (raw) Name() string                       { return "proto" }
func (raw) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error { *v.(*[]byte) = append([]byte(nil), data...); return nil }

type wanted struct {
	Calls   int               `json:"calls"`
	Headers map[string]string `json:"headers"`
}

type told struct {
	Answers map[string]int `json:"answers"`
	Errors  map[string]int `json:"errors"`
}

func main() {
	connection, err := grpc.NewClient("xds:///coding", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var want wanted
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			log.Fatal(err)
		}
		answer, err := json.Marshal(call(connection, want))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(answer))
	}
}

func call(connection *grpc.ClientConn, want wanted) told {
	did := told{Answers: map[string]int{}, Errors: map[string]int{}}
	for range want.Calls {
		marked := metadata.NewOutgoingContext(context.Background(), metadata.New(want.Headers))
		ctx, cancel := context.WithTimeout(marked, 5*time.Second)
		var answer []byte
		err := connection.Invoke(ctx, getTask, &request, &answer, grpc.ForceCodec(raw{}))
		cancel()
		if err != nil {
			did.Errors[fmt.Sprintf("%s: %s", status.Code(err), status.Convert(err).Message())]++
			continue
		}
		did.Answers[base64.StdEncoding.EncodeToString(answer)]++
	}
	return did
}
