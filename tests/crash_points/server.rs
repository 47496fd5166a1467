//! The task server and the network before it.

use std::cell::RefCell;
use std::rc::Rc;

use taskwright::delivery::request::IDEMPOTENCY_KEY;
use taskwright::delivery::response::ServerReply;
use taskwright::http::PreparedRequest;
use taskwright::ports::TaskSink;
use taskwright::random::SeededRng;

/// What the server has.
pub struct Stored {
    /// The exact body.
    pub body: String,
    /// Its key, where the server was told one.
    key: Option<String>,
    at: u64,
}

/// A request on its way.
pub struct Request {
    id: u64,
    body: String,
    key: Option<String>,
    token: String,
    /// Whether the page has given it up, or is gone; it may arrive all the same.
    is_given_up: bool,
}

/// The world behind the page's requests.
pub struct World {
    /// What has arrived.
    pub stored: Vec<Stored>,
    /// What has not.
    pub requests: Vec<Request>,
    /// Answers on their way back.
    pub answers: Vec<(u64, ServerReply)>,
    /// Answers that came back.
    arrived: Vec<(u64, ServerReply)>,
    /// The token that is accepted.
    pub token: String,
    honours_keys: bool,
    /// So long a key is known, in milliseconds.
    keys_kept: u64,
    /// So many faults are left; then all is well.
    pub faults_left: u64,
    /// How badly things go, in a hundred.
    pub trouble: u64,
    next_id: u64,
    /// How often a stored task was answered for once more.
    pub replayed: u64,
}

impl World {
    /// A server with nothing.
    pub fn new(honours_keys: bool, keys_kept: u64, faults: u64, trouble: u64) -> World {
        World {
            stored: Vec::new(),
            requests: Vec::new(),
            answers: Vec::new(),
            arrived: Vec::new(),
            token: "token-0".to_owned(),
            honours_keys,
            keys_kept,
            faults_left: faults,
            trouble,
            next_id: 0,
            replayed: 0,
        }
    }

    /// How often a body stands at the server.
    pub fn count(&self, body: &str) -> usize {
        self.stored.iter().filter(|task| task.body == body).count()
    }

    /// Whether a body is on its way.
    pub fn is_on_its_way(&self, body: &str) -> bool {
        self.requests.iter().any(|request| request.body == body)
    }

    /// The page is gone: nobody waits for answers. What is on its way arrives, or does not.
    pub fn forget_the_page(&mut self) {
        self.answers.clear();
        self.arrived.clear();
        for request in &mut self.requests {
            request.is_given_up = true;
        }
    }

    /// Whatever is on its way arrives now, or never.
    pub fn settle_requests(&mut self, draw: &mut SeededRng, now: u64) {
        for request in std::mem::take(&mut self.requests) {
            if draw.chance(50, 100) {
                self.store(request, now);
            }
        }
    }

    /// One request, `which`, arrives, or something happens to it.
    pub fn receive(&mut self, which: usize, draw: &mut SeededRng, now: u64) -> &'static str {
        let is_fault = self.faults_left > 0 && draw.chance(self.trouble, 100);
        if !is_fault {
            let request = self.requests.remove(which);
            return self.take(request, now);
        }
        self.faults_left -= 1;
        let kind = draw.below(11);
        if kind == 0 && !self.requests[which].is_given_up {
            // The page waits no longer; the request arrives later all the same.
            self.requests[which].is_given_up = true;
            let id = self.requests[which].id;
            self.answers.push((id, nothing()));
            return "given up";
        }
        let request = self.requests.remove(which);
        let id = request.id;
        let answer = match kind {
            1 | 0 => nothing(),
            2 | 3 => {
                self.store(request, now);
                nothing()
            }
            4 => http(429, Some("2")),
            5 => http(429, None),
            6 => http(503, Some("1")),
            7 => {
                if draw.chance(50, 100) {
                    self.store(request, now);
                }
                http(503, None)
            }
            8 => {
                if draw.chance(50, 100) {
                    self.store(request, now);
                }
                http(500, None)
            }
            // A rule that holds for a moment only.
            9 => http(422, None),
            _ => {
                self.token = format!("token-{now}-{id}");
                http(401, None)
            }
        };
        self.answers.push((id, answer));
        "a fault"
    }

    fn take(&mut self, request: Request, now: u64) -> &'static str {
        let id = request.id;
        if request.token != self.token {
            self.answers.push((id, http(401, None)));
            return "another token";
        }
        if request.body.contains("\"refuse\":true") {
            self.answers.push((id, http(422, None)));
            return "refused";
        }
        let is_new = self.store(request, now);
        self.answers.push((
            id,
            ServerReply::Http {
                status: if is_new { 201 } else { 200 },
                retry_after: None,
                replayed: !is_new,
                body: format!("{{\"id\":\"s-{id}\"}}"),
            },
        ));
        "taken"
    }

    /// Stores a task, unless its key says that it is there; says whether it was new.
    fn store(&mut self, request: Request, now: u64) -> bool {
        if request.token != self.token || request.body.contains("\"refuse\":true") {
            return false;
        }
        let is_known = |task: &Stored| {
            task.key.is_some() && task.key == request.key && now - task.at < self.keys_kept
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

    /// One answer, `which`, comes back.
    pub fn give_back(&mut self, which: usize) {
        let answer = self.answers.remove(which);
        self.arrived.push(answer);
    }
}

fn http(status: u16, retry_after: Option<&str>) -> ServerReply {
    ServerReply::Http {
        status,
        retry_after: retry_after.map(str::to_owned),
        replayed: false,
        body: String::new(),
    }
}

fn nothing() -> ServerReply {
    ServerReply::None {
        message: "Failed to fetch".to_owned(),
    }
}

/// The page's way to the world.
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
                is_given_up: false,
            });
            id
        };
        std::future::poll_fn(|_| {
            let mut world = self.0.borrow_mut();
            let place = world.arrived.iter().position(|(of, _)| *of == id);
            match place {
                Some(place) => std::task::Poll::Ready(world.arrived.remove(place).1),
                None => std::task::Poll::Pending,
            }
        })
        .await
    }

    async fn look_up(&self, _request: &PreparedRequest) -> ServerReply {
        panic!("nobody looks anything up here")
    }
}
