"""A gRPC client of Python that finds the replicas of coding by xDS. For each line of stdin, such as {"calls": 100, "headers":
{"x-canary": "yes"}}, it calls GetTask that often and prints who answered how often. Messages stay bytes: no stubs are needed."""
import base64
import collections
import json
import sys

import grpc

GET_TASK = "/agentmesh.v1.TaskService/GetTask"
REQUEST = b"\n\x08coding.0"

channel = grpc.insecure_channel("xds:///coding")
get_task = channel.unary_unary(GET_TASK, request_serializer=bytes, response_deserializer=bytes)

for line in sys.stdin:
    wanted = json.loads(line)
    metadata = list(wanted.get("headers", {}).items())
    answers, errors = collections.Counter(), collections.Counter()
    for _ in range(wanted["calls"]):
        try:
            answers[get_task(REQUEST, timeout=5, metadata=metadata)] += 1
        except grpc.RpcError as error:
            errors[f"{error.code().name}: {error.details()}"] += 1
    told = {base64.b64encode(answer).decode(): count for answer, count in answers.items()}
    print(json.dumps({"answers": told, "errors": errors}), flush=True)
