/** Serves a stream's requests a few at a time and answers them in order. */

/** Requests under way before the next is read. */
const underWayMax = 8;

/** `serve` is to answer in every case; where it rejects all the same, the stream ends with its error. */
export async function* inOrder<Request, Answer>(
  requests: AsyncIterable<Request>,
  serve: (request: Request) => Promise<Answer>,
): AsyncGenerator<Answer> {
  const reading = requests[Symbol.asyncIterator]();
  const underWay: Promise<Answer>[] = [];
  let next: Promise<IteratorResult<Request>> | undefined;
  let ended = false;
  while (!ended || underWay.length > 0) {
    if (!ended && underWay.length < underWayMax) next ??= quiet(reading.next());
    const [first] = underWay;
    const read = next?.then((result) => ({ result }));
    const answered = first?.then(() => undefined);
    const came = await Promise.race([read, answered].filter((each) => each !== undefined));
    if (came === undefined) {
      yield await (underWay.shift() as Promise<Answer>);
      continue;
    }
    next = undefined;
    if (came.result.done) ended = true;
    else underWay.push(quiet(serve(came.result.value)));
  }
}

/** Its rejection is met where it is awaited; until then it is nobody's fault. */
function quiet<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}
