"""Task servers made with FastAPI, as operators have them. Prints its address.

/strict/tasks     a strict model: unknown members are refused
/embedded/tasks   the task is the member "task" of the body
/slash/tasks/     declared with a trailing slash, so that /slash/tasks redirects
/one/jobs         an application of its own with one operation, described in /one/openapi.json
/raises/tasks     stores the task and then raises: a 500 without CORS headers
/{any}/received   the stored tasks
"""

import socket
from collections import defaultdict
from typing import Annotated, Literal

import uvicorn
from fastapi import APIRouter, Body, Depends, FastAPI, Header, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel, ConfigDict, Field

app = FastAPI()
app.add_middleware(
    CORSMiddleware,
    allow_origins=["*"],
    allow_methods=["POST"],
    allow_headers=["content-type", "x-agent-token"],
)
stored: dict[str, list[dict]] = defaultdict(list)


def check_token(x_agent_token: Annotated[str, Header()]) -> None:
    if x_agent_token != "changeme":
        raise HTTPException(401, "Wrong token")


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=8)
    value: str


class Task(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    key: str
    title: str = Field(max_length=20)
    priority: Literal["low", "high"]
    inputs: list[Input] = []


guarded = APIRouter(dependencies=[Depends(check_token)])


@guarded.post("/strict/tasks", status_code=201)
def strict(task: Task) -> dict:
    stored["strict"].append(task.model_dump())
    return {"task_id": len(stored["strict"]), "status": "queued"}


@guarded.post("/embedded/tasks")
def embedded(task: Annotated[Task, Body(embed=True)]) -> dict:
    stored["embedded"].append(task.model_dump())
    return {"data": {"task": {"uuid": f"t-{len(stored['embedded'])}"}}}


@guarded.post("/slash/tasks/")
def slash(task: dict) -> dict:
    stored["slash"].append(task)
    return {"id": len(stored["slash"])}


@guarded.post("/raises/tasks")
def raises(task: dict) -> dict:
    stored["raises"].append(task)
    raise RuntimeError("after it was stored")


app.include_router(guarded)


class Job(BaseModel):
    """What a worker does."""

    title: str = Field(min_length=3, max_length=80)
    urgency: Literal["low", "high"] = "low"
    steps: list[str] = []


one = FastAPI(title="Jobs")


@one.post("/jobs", status_code=201, dependencies=[Depends(check_token)])
def create_job(job: Job) -> dict:
    stored["one"].append(job.model_dump())
    return {"job": {"number": 40 + len(stored["one"])}}


@one.get("/jobs")
def jobs() -> list[dict]:
    return stored["one"]


app.mount("/one", one)


@app.get("/{name}/received")
def received(name: str) -> list[dict]:
    return stored[name]


if __name__ == "__main__":
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    server.run(sockets=[listener])
