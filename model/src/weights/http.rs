//! Downloads a single file from a URL; an interrupted download can be resumed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use super::files::{self, CopyError};
use super::{Error, ModelSource, Progress, Stage};

/// Timeout for connecting, for the response, and between two blocks.
const PATIENCE: Duration = Duration::from_secs(60);

/// Maximum redirects for an https URL; all of them must be https.
const REDIRECTS: u32 = 10;

/// Downloads `url` into the file `part`. Continues what an earlier call left there if the server says that the file is
/// unchanged (RFC 9110, If-Range with a strong entity tag).
///
/// On failure `part` stays, for the next call.
pub(super) fn download(url: &str, part: &Path, progress: &mut dyn Progress) -> Result<(), Error> {
    progress.begin(url, Stage::Downloading, None);
    let agent = agent(url);
    let tag_file = beside(part, ".etag");
    let begun = fs::metadata(part).map_or(0, |meta| meta.len());
    let tag = fs::read_to_string(&tag_file).ok().filter(|tag| begun > 0 && is_strong(tag));

    let mut response = request(&agent, url, tag.as_deref().map(|tag| (begun, tag)))?;
    if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        response = request(&agent, url, None)?;
    }
    let begun = match response.status() {
        StatusCode::PARTIAL_CONTENT if starts_at(&response, begun) => begun,
        StatusCode::OK => 0,
        status => return Err(failed(url, format!("the server answered {status}"))),
    };

    let mut file = if begun > 0 {
        File::options().append(true).open(part).map_err(Error::io("write", part))?
    } else {
        // The old tag is removed before the old bytes: a tag must never describe other bytes.
        let _ = fs::remove_file(&tag_file);
        let file = File::create(part).map_err(Error::io("write", part))?;
        if let Some(tag) = entity_tag(&response) {
            fs::write(&tag_file, tag).map_err(Error::io("write", &tag_file))?;
        }
        file
    };

    let rest = response.body().content_length();
    let total = rest.map(|rest| begun + rest);
    progress.begin(url, Stage::Downloading, total);
    let mut body = response.into_body().into_reader();
    match files::copy(&mut body, &mut file, u64::MAX, begun, progress) {
        Ok((copied, _)) if rest.is_none_or(|rest| rest == copied) => {
            let _ = fs::remove_file(&tag_file);
            Ok(())
        }
        Ok(_) => Err(failed(url, "the connection ended early".into())),
        Err(CopyError::Read(e)) => Err(failed(url, format!("the connection ended early: {e}"))),
        Err(CopyError::Write(e)) => Err(Error::io("write", part)(e)),
        Err(CopyError::Cancelled) => Err(Error::Cancelled),
    }
}

/// `path` with `ending` appended to its name.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn agent(url: &str) -> Agent {
    let local = ModelSource::url_is_loopback(url);
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .https_only(url.starts_with("https:"))
        // What is allowed for this machine must not lead elsewhere.
        .max_redirects(if local { 0 } else { REDIRECTS })
        .accept_encoding("identity")
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .timeout_per_read(Some(PATIENCE));
    if local { config.proxy(None).build().into() } else { config.build().into() }
}

fn request(agent: &Agent, url: &str, from: Option<(u64, &str)>) -> Result<Response<Body>, Error> {
    let mut request = agent.get(url);
    if let Some((begun, tag)) = from {
        request =
            request.header(header::RANGE, format!("bytes={begun}-")).header(header::IF_RANGE, tag);
    }
    request.call().map_err(|e| failed(url, e.to_string()))
}

fn failed(url: &str, message: String) -> Error {
    Error::Http { url: url.to_owned(), message }
}

fn starts_at(response: &Response<Body>, begun: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE).and_then(|v| v.to_str().ok());
    begun > 0 && range.is_some_and(|range| range.starts_with(&format!("bytes {begun}-")))
}

fn entity_tag(response: &Response<Body>) -> Option<&str> {
    let tag = response.headers().get(header::ETAG)?.to_str().ok()?;
    is_strong(tag).then_some(tag)
}

/// Only a strong entity tag guarantees identical bytes.
fn is_strong(tag: &str) -> bool {
    tag.starts_with('"')
}
