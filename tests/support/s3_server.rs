//! A real S3 server inside the test process: s3s over a folder, one sub-folder a bucket, signatures checked.
//!
//! It runs on a thread of its own, so that plain and async tests and child processes can all talk to it. Put files into
//! the folder to make objects. [`Rules`] make it refuse, redirect, archive or cut short, as Amazon's does.

// Each integration test compiles this file for itself and uses a part of it.
#![allow(dead_code)]

use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::dto::{
    CommonPrefix, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, ListObjectsV2Input,
    ListObjectsV2Output, Object, ObjectStorageClass,
};
use s3s::service::S3ServiceBuilder;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::sync::oneshot;

const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// A second key with the same secret, which can run out.
pub const EXPIRING_KEY: &str = "ASIAIOSFODNN7EXAMPLE";

/// Where the server behaves unlike a plain folder. Each list holds beginnings of keys or prefixes; `""` means all.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Requests signed for another region are sent there.
    pub region: Option<&'static str>,
    /// Refused: s3:ListBucket.
    pub deny_list: Vec<&'static str>,
    /// Refused: s3:GetObject.
    pub deny_read: Vec<&'static str>,
    /// Refused: kms:Decrypt.
    pub deny_decrypt: Vec<&'static str>,
    /// In the storage class GLACIER.
    pub archived: Vec<&'static str>,
    /// The body ends before its announced length.
    pub cut_short: Vec<&'static str>,
    /// So many requests are answered that are signed with [`EXPIRING_KEY`]; then it has run out.
    pub expires_after: Option<usize>,
    /// Every bucket holds so many keys, which a function names in order; none can be read.
    pub keys: Option<(usize, KeyAt)>,
}

/// The key at a place, in order.
pub type KeyAt = fn(usize) -> String;

/// A running server; it ends when dropped.
pub struct S3Server {
    pub endpoint: String,
    pub access_key: String,
    pub secret_key: String,
    calls: Arc<Mutex<Vec<String>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl S3Server {
    /// Serves a folder, whose sub-folders are the buckets.
    pub fn start(folder: &Path) -> Self {
        Self::with(folder, Rules::default())
    }

    /// Serves a folder under rules.
    pub fn with(folder: &Path, rules: Rules) -> Self {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let files = || FileSystem::new(folder).unwrap();
        // A plain folder is served as it is, so that writers have every call; the wrapper only knows the reading ones.
        let mut service = if rules.archived.is_empty() && rules.cut_short.is_empty() && rules.keys.is_none() {
            S3ServiceBuilder::new(files())
        } else {
            S3ServiceBuilder::new(Odd { files: files(), rules: rules.clone() })
        };
        let mut auth = SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY);
        auth.register(EXPIRING_KEY.into(), SECRET_KEY.into());
        service.set_auth(auth);
        service.set_access(Gate { rules, calls: Arc::clone(&calls), expiring: AtomicUsize::new(0) });
        let service = service.build();

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (stop, mut stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let http = auto::Builder::new(TokioExecutor::new());
                loop {
                    let (socket, _) = tokio::select! {
                        accepted = listener.accept() => match accepted { Ok(accepted) => accepted, Err(_) => continue },
                        _ = &mut stopped => return,
                    };
                    let connection = http.serve_connection(TokioIo::new(socket), service.clone()).into_owned();
                    tokio::spawn(connection);
                }
            });
        });
        let (access_key, secret_key) = (ACCESS_KEY.to_owned(), SECRET_KEY.to_owned());
        Self { endpoint, access_key, secret_key, calls, stop: Some(stop), thread: Some(thread) }
    }

    /// The variables that make a child process talk to this server and look nowhere else.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_ACCESS_KEY_ID", self.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_key.clone()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            // Plain HTTP, which object_store refuses unless told.
            ("AWS_ALLOW_HTTP", "true".to_owned()),
        ]
    }

    /// The calls since the last time, as `List prefix`, `Get key` and `Head key`.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn any(beginnings: &[&str], key: &str) -> bool {
    beginnings.iter().any(|b| key.starts_with(b))
}

/// Who may do what; keeps the book of calls.
struct Gate {
    rules: Rules,
    calls: Arc<Mutex<Vec<String>>>,
    /// Requests signed with the key that runs out.
    expiring: AtomicUsize,
}

impl Gate {
    fn read(&self, call: &str, key: &str) -> S3Result<()> {
        self.calls.lock().unwrap().push(format!("{call} {key}"));
        if any(&self.rules.deny_decrypt, key) {
            return Err(S3Error::with_message(
                S3ErrorCode::AccessDenied,
                "User: arn:aws:iam::111122223333:user/reader is not authorized to perform: kms:Decrypt on resource: \
                 arn:aws:kms:us-east-1:111122223333:key/example because no resource-based policy allows the \
                 kms:Decrypt action",
            ));
        }
        if any(&self.rules.deny_read, key) {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl S3Access for Gate {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        if cx.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        if cx.credentials().is_some_and(|credentials| credentials.access_key == EXPIRING_KEY)
            && self.rules.expires_after.is_some_and(|most| self.expiring.fetch_add(1, Ordering::Relaxed) >= most)
        {
            return Err(s3_error!(ExpiredToken, "The provided token has expired."));
        }
        let signed = cx.headers().get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
        if let Some(region) = self.rules.region
            && !signed.contains(&format!("/{region}/s3/"))
        {
            let mut error = S3Error::with_message(
                S3ErrorCode::PermanentRedirect,
                "The bucket you are attempting to access must be addressed using the specified endpoint.",
            );
            let mut headers = cx.headers().clone();
            headers.clear();
            headers.insert("x-amz-bucket-region", region.parse().unwrap());
            error.set_headers(headers);
            return Err(error);
        }
        Ok(())
    }

    async fn list_objects_v2(&self, req: &mut S3Request<ListObjectsV2Input>) -> S3Result<()> {
        let prefix = req.input.prefix.as_deref().unwrap_or_default();
        self.calls.lock().unwrap().push(format!("List {prefix}"));
        if any(&self.rules.deny_list, prefix) {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        Ok(())
    }

    async fn get_object(&self, req: &mut S3Request<GetObjectInput>) -> S3Result<()> {
        self.read("Get", &req.input.key)
    }

    async fn head_object(&self, req: &mut S3Request<HeadObjectInput>) -> S3Result<()> {
        self.read("Head", &req.input.key)
    }
}

/// A page of a listing of made-up keys.
fn page_of(ask: &ListObjectsV2Input, count: usize, name: fn(usize) -> String) -> ListObjectsV2Output {
    let prefix = ask.prefix.as_deref().unwrap_or_default();
    if ask.delimiter.is_some() {
        let first = name(0);
        let folder = first.strip_prefix(prefix).and_then(|rest| rest.split_once('/'));
        let folder = folder.map(|(folder, _)| CommonPrefix { prefix: Some(format!("{prefix}{folder}/")) });
        return ListObjectsV2Output {
            common_prefixes: Some(folder.into_iter().collect()),
            ..ListObjectsV2Output::default()
        };
    }
    let from =
        ask.continuation_token.as_deref().and_then(|token| token.trim_start_matches('p').parse().ok()).unwrap_or(0);
    let to = count.min(from + 1000);
    let object = |n| Object { key: Some(name(n)), size: Some(100), ..Object::default() };
    ListObjectsV2Output {
        contents: Some((from..to).map(object).collect()),
        is_truncated: Some(to < count),
        next_continuation_token: (to < count).then(|| format!("p{to:06}")),
        ..ListObjectsV2Output::default()
    }
}

/// A folder with archived objects and broken bodies, for reading only.
struct Odd {
    files: FileSystem,
    rules: Rules,
}

#[async_trait::async_trait]
impl S3 for Odd {
    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> S3Result<S3Response<ListObjectsV2Output>> {
        if let Some((count, name)) = self.rules.keys {
            return Ok(S3Response::new(page_of(&req.input, count, name)));
        }
        let mut page = self.files.list_objects_v2(req).await?;
        for object in page.output.contents.iter_mut().flatten() {
            if object.key.as_deref().is_some_and(|key| any(&self.rules.archived, key)) {
                object.storage_class = Some(ObjectStorageClass::from_static(ObjectStorageClass::GLACIER));
            }
        }
        Ok(page)
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        if any(&self.rules.archived, &req.input.key) {
            return Err(s3_error!(InvalidObjectState, "The operation is not valid for the object's storage class"));
        }
        let cut = any(&self.rules.cut_short, &req.input.key);
        let mut object = self.files.get_object(req).await?;
        if cut {
            object.output.content_length = object.output.content_length.map(|n| n + 10);
        }
        Ok(object)
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        self.files.head_object(req).await
    }
}
