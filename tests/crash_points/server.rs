//! The task servers and the network. Two servers share one origin and have different paths, like the
//! tenants of one host.

use std::cell::RefCell;
use std::rc::Rc;

use taskwright::delivery::request::IDEMPOTENCY_KEY;
use taskwright::delivery::response::{Redirect, ServerReply};
use taskwright::http::PreparedRequest;
use taskwright::ports::TaskSink;
use taskwright::random::SeededRng;

/// A task on a server.
pub struct Stored {
    /// The exact body.
    pub body: String,
    /// Which task it is, whatever its revision and its template.
    pub identity: String,
    /// The URL it was posted to.
    url: String,
    /// Its idempotency key, if one was sent.
    key: Option<String>,
    at: u64,
}

/// A post on its way.
pub struct Post {
    id: u64,
    body: String,
    identity: String,
    url: String,
    key: Option<String>,
    token: String,
    /// Whether the page has given it up or crashed. It may arrive nevertheless.
    is_abandoned: bool,
}

/// A look-up on its way.
struct LookUpRequest {
    id: u64,
    url: String,
    token: String,
}

/// The servers, and the requests and responses on their way.
pub struct World {
    /// Tasks on the servers.
    pub stored: Vec<Stored>,
    /// Posts on their way to a server.
    pub posts: Vec<Post>,
    /// Look-ups on their way to a server.
    look_ups: Vec<LookUpRequest>,
    /// Responses on their way to the page.
    pub responses: Vec<(u64, ServerReply)>,
    /// Responses that reached the page.
    arrived: Vec<(u64, ServerReply)>,
    /// The token that the servers accept.
    pub token: String,
    honours_keys: bool,
    /// Key retention, in milliseconds.
    key_retention: u64,
    /// Number of faults still to inject.
    pub faults_left: u64,
    /// Probability of a fault, in percent.
    pub fault_percent: u64,
    next_id: u64,
    /// Identity, URL and body of the posts that left the page and were not checked yet.
    pub sent: Vec<(String, String, String)>,
    /// Number of posts of a task that the server already had.
    pub replayed: u64,
    /// Number of redirects, web pages and contradictions that the page received.
    pub without_receipt: u64,
    /// Number of responses to look-ups that list the task.
    pub found: u64,
}

/// Which task a body is about: its run and its key.
pub fn identity(body: &str) -> String {
    let start = body.find("{\"run\":").unwrap();
    let end = body.find(",\"revision\":").unwrap();
    body.get(start..end).unwrap().to_owned()
}

impl World {
    /// Creates servers without tasks.
    pub fn new(honours_keys: bool, key_retention: u64, faults: u64, fault_percent: u64) -> World {
        World {
            stored: Vec::new(),
            posts: Vec::new(),
            look_ups: Vec::new(),
            responses: Vec::new(),
            arrived: Vec::new(),
            token: "token-0".to_owned(),
            honours_keys,
            key_retention,
            faults_left: faults,
            fault_percent,
            next_id: 0,
            sent: Vec::new(),
            replayed: 0,
            without_receipt: 0,
            found: 0,
        }
    }

    /// How often the servers have this task, in any revision.
    pub fn count(&self, identity: &str) -> usize {
        let tasks = self.stored.iter();
        tasks.filter(|task| task.identity == identity).count()
    }

    /// Whether a post of this task, in any revision, is on its way.
    pub fn is_on_its_way(&self, identity: &str) -> bool {
        self.posts.iter().any(|post| post.identity == identity)
    }

    /// Drops all responses and look-ups, and abandons all posts, after the page crashed. Abandoned
    /// posts may still arrive.
    pub fn abandon_requests(&mut self) {
        self.responses.clear();
        self.arrived.clear();
        self.look_ups.clear();
        for post in &mut self.posts {
            post.is_abandoned = true;
        }
    }

    /// Each post on its way arrives now or never.
    pub fn flush_posts(&mut self, rng: &mut SeededRng, now: u64) {
        for post in std::mem::take(&mut self.posts) {
            if rng.chance(50, 100) {
                self.store(post, now);
            }
        }
    }

    /// Number of requests on their way to a server.
    pub fn requests(&self) -> usize {
        self.posts.len() + self.look_ups.len()
    }

    /// Delivers the request at `index` to its server, or injects a fault. Returns a description.
    pub fn receive(&mut self, index: usize, rng: &mut SeededRng, now: u64) -> &'static str {
        let is_fault = self.faults_left > 0 && rng.chance(self.fault_percent, 100);
        self.faults_left -= u64::from(is_fault);
        if index >= self.posts.len() {
            let look_up = self.look_ups.remove(index - self.posts.len());
            let id = look_up.id;
            let response = if is_fault {
                match rng.below(3) {
                    0 => no_response(),
                    1 => http(404, None),
                    _ => http(500, None),
                }
            } else {
                self.list(&look_up)
            };
            self.responses.push((id, response));
            return "look-up";
        }
        if !is_fault {
            let post = self.posts.remove(index);
            return self.handle(post, now);
        }
        let kind = rng.below(15);
        if kind == 0 && !self.posts[index].is_abandoned {
            // The page times out; the post arrives later.
            self.posts[index].is_abandoned = true;
            let id = self.posts[index].id;
            let milliseconds = 60_000;
            self.responses
                .push((id, ServerReply::TimedOut { milliseconds }));
            return "abandoned";
        }
        let post = self.posts.remove(index);
        let id = post.id;
        let is_stored = match kind {
            2 | 3 | 7 => true,
            9 | 11 | 12 | 13 => rng.chance(50, 100),
            _ => false,
        };
        if is_stored {
            self.store(post, now);
        }
        let response = match kind {
            0..=3 => no_response(),
            4 => http(429, Some("2")),
            5 => http(429, None),
            6 => http(503, Some("1")),
            // After the store, and before it.
            7 | 8 => http(503, None),
            9 => http(500, None),
            // A temporary validation error.
            10 => http(422, None),
            11 => ServerReply::Redirected {
                redirect: Redirect::Elsewhere,
            },
            12 => page("<!-- gateway --><html>"),
            13 => page("{\"success\": false}"),
            _ => {
                self.token = format!("token-{now}-{id}");
                http(401, None)
            }
        };
        self.without_receipt += u64::from(matches!(kind, 11..=13));
        self.responses.push((id, response));
        "fault"
    }

    fn handle(&mut self, post: Post, now: u64) -> &'static str {
        let id = post.id;
        if post.token != self.token {
            self.responses.push((id, http(401, None)));
            return "wrong token";
        }
        if post.body.contains("\"refuse\":true") {
            self.responses.push((id, http(422, None)));
            return "refused";
        }
        let is_new = self.store(post, now);
        self.responses.push((
            id,
            ServerReply::Http {
                status: if is_new { 201 } else { 200 },
                content_type: None,
                retry_after: None,
                location: None,
                replayed: !is_new,
                body: format!("{{\"id\":\"s-{id}\"}}"),
            },
        ));
        "accepted"
    }

    /// The tasks of one server with the key of a look-up.
    fn list(&mut self, look_up: &LookUpRequest) -> ServerReply {
        if look_up.token != self.token {
            return http(401, None);
        }
        let (url, key) = look_up.url.split_once("?idempotency_key=").unwrap();
        let is_asked_for = |task: &&Stored| task.url == url && task.key.as_deref() == Some(key);
        let items: Vec<String> = self
            .stored
            .iter()
            .filter(is_asked_for)
            .map(|_| format!("{{\"id\":\"s\",\"idempotency_key\":\"{key}\"}}"))
            .collect();
        self.found += u64::from(!items.is_empty());
        page(&format!("{{\"items\":[{}]}}", items.join(",")))
    }

    /// Stores a task unless its key is known. Returns whether it was stored.
    fn store(&mut self, post: Post, now: u64) -> bool {
        if post.token != self.token || post.body.contains("\"refuse\":true") {
            return false;
        }
        let is_known = |task: &Stored| {
            task.key.is_some()
                && task.key == post.key
                && task.url == post.url
                && now - task.at < self.key_retention
        };
        if self.honours_keys && self.stored.iter().any(is_known) {
            self.replayed += 1;
            return false;
        }
        self.stored.push(Stored {
            body: post.body,
            identity: post.identity,
            url: post.url,
            key: post.key,
            at: now,
        });
        true
    }

    /// Delivers the response at `index` to the page.
    pub fn respond(&mut self, index: usize) {
        let response = self.responses.remove(index);
        self.arrived.push(response);
    }

    fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

fn http(status: u16, retry_after: Option<&str>) -> ServerReply {
    ServerReply::Http {
        status,
        content_type: None,
        retry_after: retry_after.map(str::to_owned),
        location: None,
        replayed: false,
        body: String::new(),
    }
}

/// A 200 with this body.
fn page(body: &str) -> ServerReply {
    ServerReply::Http {
        status: 200,
        content_type: None,
        retry_after: None,
        location: None,
        replayed: false,
        body: body.to_owned(),
    }
}

fn no_response() -> ServerReply {
    ServerReply::None {
        message: "Failed to fetch".to_owned(),
    }
}

/// The page's connection to the servers.
#[derive(Clone)]
pub struct Wire(pub Rc<RefCell<World>>);

impl Wire {
    /// Waits until the response to a request reaches the page.
    async fn response(&self, id: u64) -> ServerReply {
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
}

/// The value of a header of a request.
fn header(request: &PreparedRequest, name: &str) -> Option<String> {
    let headers = request.headers().unwrap();
    let found = headers.iter().find(|(of, _)| *of == name);
    found.map(|(_, value)| value.to_string())
}

impl TaskSink for Wire {
    async fn post(&self, request: &PreparedRequest) -> ServerReply {
        let id = {
            let mut world = self.0.borrow_mut();
            let id = world.next_id();
            let body = request.request().body.as_deref().unwrap().to_owned();
            let url = request.request().url.clone();
            world.sent.push((identity(&body), url, body.clone()));
            world.posts.push(Post {
                id,
                identity: identity(&body),
                body,
                url: request.request().url.clone(),
                key: header(request, IDEMPOTENCY_KEY),
                token: header(request, "X-AGENT-TOKEN").unwrap(),
                is_abandoned: false,
            });
            id
        };
        self.response(id).await
    }

    async fn look_up(&self, request: &PreparedRequest) -> ServerReply {
        let id = {
            let mut world = self.0.borrow_mut();
            let id = world.next_id();
            world.look_ups.push(LookUpRequest {
                id,
                url: request.request().url.clone(),
                token: header(request, "X-AGENT-TOKEN").unwrap(),
            });
            id
        };
        self.response(id).await
    }
}
