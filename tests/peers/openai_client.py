"""What OpenAI's own client gets from the gateway: arguments are a base URL, a token for it, and a token
without the scope for the model. Prints one JSON object."""

import json
import sys

from openai import APIStatusError, OpenAI

base_url, token, other_token = sys.argv[1:]
client = OpenAI(base_url=base_url, api_key=token, max_retries=0)
messages = [{"role": "user", "content": "Hello"}]


def refusal(key: str) -> list:
    try:
        OpenAI(base_url=base_url, api_key=key, max_retries=0).models.list()
    except APIStatusError as error:
        return [type(error).__name__, error.status_code, error.response.json()["code"]]
    return []


stream = client.chat.completions.create(
    model="m", messages=messages, stream=True, stream_options={"include_usage": True}
)
chunks = list(stream)
whole = client.chat.completions.create(model="m", messages=messages)
events = list(client.responses.create(model="m", input="Hello", stream=True))
print(
    json.dumps(
        {
            "models": [model.id for model in client.models.list()],
            "streamed": "".join(c.choices[0].delta.content or "" for c in chunks if c.choices),
            "usage": chunks[-1].usage.total_tokens,
            "whole": whole.choices[0].message.content,
            "events": [event.type for event in events],
            "wrong": refusal("wrong-token"),
            "other": refusal(other_token),
        }
    )
)
