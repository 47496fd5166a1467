//! The task server and the network.

use std::cell::RefCell;
use std::rc::Rc;

use taskwright::delivery::request::IDEMPOTENCY_KEY;
use taskwright::delivery::response::ServerReply;
use taskwright::http::PreparedRequest;
use taskwright::ports::TaskSink;
use taskwright::random::SeededRng;

/// A task on the server.
pub struct Stored {
    /// The exact body.
    pub body: String,
    /// Its idempotency key, if one was sent.
    key: Option<String>,
    at: u64,
}

/// A request on its way.
pub struct Request {
    id: u64,
    body: String,
    key: Option<String>,
    token: String,
    /// Whether the page has given it up or crashed. It may arrive nevertheless.
    is_abandoned: bool,
}

/// The server, and the requests and responses on their way.
pub struct World {
    /// Tasks on the server.
    pub stored: Vec<Stored>,
    /// Requests on their way to the server.
    pub requests: Vec<Request>,
    /// Responses on their way to the page.
    pub responses: Vec<(u64, ServerReply)>,
    /// Responses that reached the page.
    arrived: Vec<(u64, ServerReply)>,
    /// The token that the server accepts.
    pub token: String,
    honours_keys: bool,
    /// Key retention, in milliseconds.
    key_retention: u64,
    /// Number of faults still to inject.
    pub faults_left: u64,
    /// Probability of a fault, in percent.
    pub fault_percent: u64,
    next_id: u64,
    /// Number of posts of a task that the server already had.
    pub replayed: u64,
}

impl World {
    /// Creates a server without tasks.
    pub fn new(honours_keys: bool, key_retention: u64, faults: u64, fault_percent: u64) -> World {
        World {
            stored: Vec::new(),
            requests: Vec::new(),
            responses: Vec::new(),
            arrived: Vec::new(),
            token: "token-0".to_owned(),
            honours_keys,
            key_retention,
            faults_left: faults,
            fault_percent,
            next_id: 0,
            replayed: 0,
        }
    }

    /// Number of tasks on the server with this body.
    pub fn count(&self, body: &str) -> usize {
        self.stored.iter().filter(|task| task.body == body).count()
    }

    /// Whether a request with this body is on its way.
    pub fn is_on_its_way(&self, body: &str) -> bool {
        self.requests.iter().any(|request| request.body == body)
    }

    /// Drops all responses and abandons all requests after the page crashed. Abandoned requests may
    /// still arrive.
    pub fn abandon_requests(&mut self) {
        self.responses.clear();
        self.arrived.clear();
        for request in &mut self.requests {
            request.is_abandoned = true;
        }
    }

    /// Each request on its way arrives now or never.
    pub fn flush_requests(&mut self, rng: &mut SeededRng, now: u64) {
        for request in std::mem::take(&mut self.requests) {
            if rng.chance(50, 100) {
                self.store(request, now);
            }
        }
    }

    /// Delivers the request at `index` to the server, or injects a fault. Returns a description.
    pub fn receive(&mut self, index: usize, rng: &mut SeededRng, now: u64) -> &'static str {
        let is_fault = self.faults_left > 0 && rng.chance(self.fault_percent, 100);
        if !is_fault {
            let request = self.requests.remove(index);
            return self.handle(request, now);
        }
        self.faults_left -= 1;
        let kind = rng.below(11);
        if kind == 0 && !self.requests[index].is_abandoned {
            // The page times out; the request arrives later.
            self.requests[index].is_abandoned = true;
            let id = self.requests[index].id;
            self.responses.push((id, no_response()));
            return "abandoned";
        }
        let request = self.requests.remove(index);
        let id = request.id;
        let response = match kind {
            1 | 0 => no_response(),
            2 | 3 => {
                self.store(request, now);
                no_response()
            }
            4 => http(429, Some("2")),
            5 => http(429, None),
            6 => http(503, Some("1")),
            7 => {
                if rng.chance(50, 100) {
                    self.store(request, now);
                }
                http(503, None)
            }
            8 => {
                if rng.chance(50, 100) {
                    self.store(request, now);
                }
                http(500, None)
            }
            // A temporary validation error.
            9 => http(422, None),
            _ => {
                self.token = format!("token-{now}-{id}");
                http(401, None)
            }
        };
        self.responses.push((id, response));
        "fault"
    }

    fn handle(&mut self, request: Request, now: u64) -> &'static str {
        let id = request.id;
        if request.token != self.token {
            self.responses.push((id, http(401, None)));
            return "wrong token";
        }
        if request.body.contains("\"refuse\":true") {
            self.responses.push((id, http(422, None)));
            return "refused";
        }
        let is_new = self.store(request, now);
        self.responses.push((
            id,
            ServerReply::Http {
                status: if is_new { 201 } else { 200 },
                content_type: None,
                retry_after: None,
                replayed: !is_new,
                body: format!("{{\"id\":\"s-{id}\"}}"),
            },
        ));
        "accepted"
    }

    /// Stores a task unless its key is known. Returns whether it was stored.
    fn store(&mut self, request: Request, now: u64) -> bool {
        if request.token != self.token || request.body.contains("\"refuse\":true") {
            return false;
        }
        let is_known = |task: &Stored| {
            task.key.is_some() && task.key == request.key && now - task.at < self.key_retention
        };
        if self.honours_keys && self.stored.iter().any(is_known) {
            self.replayed += 1;
            return false;
        }
        self.stored.push(Stored {
            body: request.body,
            key: request.key,
            at: now,
        });
        true
    }

    /// Delivers the response at `index` to the page.
    pub fn respond(&mut self, index: usize) {
        let response = self.responses.remove(index);
        self.arrived.push(response);
    }
}

fn http(status: u16, retry_after: Option<&str>) -> ServerReply {
    ServerReply::Http {
        status,
        content_type: None,
        retry_after: retry_after.map(str::to_owned),
        replayed: false,
        body: String::new(),
    }
}

fn no_response() -> ServerReply {
    ServerReply::None {
        message: "Failed to fetch".to_owned(),
    }
}

/// The page's connection to the server.
#[derive(Clone)]
pub struct Wire(pub Rc<RefCell<World>>);

impl TaskSink for Wire {
    async fn post(&self, request: &PreparedRequest) -> ServerReply {
        let id = {
            let mut world = self.0.borrow_mut();
            let id = world.next_id;
            world.next_id += 1;
            let headers = request.headers().unwrap();
            let header = |name: &str| {
                let found = headers.iter().find(|(of, _)| *of == name);
                found.map(|(_, value)| value.to_string())
            };
            let key = header(IDEMPOTENCY_KEY);
            let token = header("X-AGENT-TOKEN").unwrap();
            world.requests.push(Request {
                id,
                body: request.request().body.as_deref().unwrap().to_owned(),
                key,
                token,
                is_abandoned: false,
            });
            id
        };
        std::future::poll_fn(|_| {
            let mut world = self.0.borrow_mut();
            let index = world.arrived.iter().position(|(of, _)| *of == id);
            match index {
                Some(index) => std::task::Poll::Ready(world.arrived.remove(index).1),
                None => std::task::Poll::Pending,
            }
        })
        .await
    }

    async fn look_up(&self, _request: &PreparedRequest) -> ServerReply {
        panic!("nothing is looked up")
    }
}
