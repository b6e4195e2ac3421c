//! What `/openapi.json` says beside what each handler says of itself.

use crate::service::export::Format;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{
    Content, ContentBuilder, InfoBuilder, KnownFormat, Object, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder, Schema, SchemaFormat, Type,
};

/// Errors are sent as this.
const PROBLEM: &str = "application/problem+json";
/// Files are sent as this, or as a part of a form.
const FILE: &str = "application/octet-stream";
/// Server-sent events.
const EVENTS: &str = "text/event-stream";
/// The form whose part `file` is a file.
const FORM: &str = "multipart/form-data";

/// The document, with what holds for many operations: which errors each may meet wherever it is, that errors are problems, and that files are bytes.
pub(super) fn described(mut openapi: OpenApi) -> OpenApi {
    openapi.info = InfoBuilder::new()
        .title("Tuban 图斑")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Land-use monitoring: what does every patch occupy, and why. Errors are RFC 9457 problems."))
        .build();
    for schema in openapi.components.iter_mut().flat_map(|components| components.schemas.values_mut()) {
        require_nullable(schema);
    }
    for (path, item) in &mut openapi.paths.paths {
        let reads = item.get.iter_mut().map(|operation| (operation, false));
        let writes = [&mut item.post, &mut item.delete].into_iter().flatten().map(|operation| (operation, true));
        for (operation, writes) in reads.chain(writes) {
            describe(operation, path.starts_with("/api"), writes);
        }
    }
    openapi
}

/// A member of an answer that may be null is always there; one that may be absent is never null.
fn require_nullable(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            let nullable: Vec<String> = object.properties.iter().filter(|(_, schema)| is_nullable(schema)).map(|(name, _)| name.clone()).collect();
            object.required.extend(nullable);
        }
        RefOr::T(Schema::AllOf(all)) => all.items.iter_mut().for_each(require_nullable),
        RefOr::T(_) | RefOr::Ref(_) => {}
    }
}

fn is_nullable(schema: &RefOr<Schema>) -> bool {
    let is_null = |kind: &SchemaType| match kind {
        SchemaType::Type(kind) => *kind == Type::Null,
        SchemaType::Array(kinds) => kinds.contains(&Type::Null),
        SchemaType::AnyValue => false,
    };
    match schema {
        RefOr::T(Schema::Object(object)) => is_null(&object.schema_type),
        RefOr::T(Schema::Array(array)) => is_null(&array.schema_type),
        RefOr::T(Schema::OneOf(one)) => one.items.iter().any(is_nullable),
        RefOr::T(_) | RefOr::Ref(_) => false,
    }
}

fn describe(operation: &mut Operation, is_api: bool, writes: bool) {
    let mut takes_file = false;
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        takes_file = body.content.contains_key(FILE);
        if takes_file {
            let form = ObjectBuilder::new().property("file", bytes()).required("file");
            body.content.insert(FORM.to_owned(), RefOr::T(ContentBuilder::new().schema(Some(form)).build()));
        }
        describe_contents(body.content.iter_mut());
    }
    let is_error = |status: &str| status.starts_with(['4', '5']);
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if is_error(status) {
            response.content = std::mem::take(&mut response.content).into_values().map(|content| (PROBLEM.to_owned(), content)).collect();
        }
        if response.content.shift_remove(FILE).is_some() {
            response.content.extend(Format::ALL.iter().map(|format| file_of(*format)));
        }
        describe_contents(response.content.iter_mut());
    }
    let in_path =
        operation.parameters.iter().flatten().any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Path));
    let has_body = operation.request_body.is_some();
    let everywhere = [
        (true, "400", "a parameter is unknown or cannot be understood"),
        (in_path, "404", "there is nothing of that number or name"),
        (writes, "403", "a page of another site asks: `cross_site`"),
        (has_body, "408", "the body comes too slowly: `too_slow`"),
        (has_body, "413", "the body is too large"),
        (takes_file, "415", "the file is of no format that is read"),
        (has_body, "422", "the body can be read and not accepted"),
        (is_api, "421", "the request is for a host that was not configured: `unknown_host`"),
        (is_api, "500", "a defect of the service, or damaged data"),
        (is_api, "503", "layers are being loaded, the service stops, or the database does not answer"),
        (writes, "507", "a disk has no room: `no_room`"),
    ];
    for (_, status, why) in everywhere.into_iter().filter(|(holds, ..)| *holds) {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(problem(why)));
    }
}

/// What is no JSON and no text is described as bytes, and a stream by its events.
fn describe_contents<'c>(contents: impl Iterator<Item = (&'c String, &'c mut RefOr<Content>)>) {
    for (media_type, content) in contents {
        let RefOr::T(content) = content else { continue };
        if media_type == EVENTS {
            content.schema = Some(RefOr::T(event().into()));
        } else if !(media_type.contains("json") || media_type == FORM || media_type.contains("openmetrics")) {
            content.schema = Some(RefOr::T(bytes().into()));
        }
    }
}

/// A file that is answered: bytes, or where it is GeoJSON an object.
fn file_of(format: Format) -> (String, RefOr<Content>) {
    let media_type = format.media_type().split(';').next().unwrap_or_default().to_owned();
    (media_type, RefOr::T(ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::Object))).build()))
}

/// What changes of a job: `data` is the job as JSON.
fn event() -> Object {
    let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["progress", "done", "failed"]));
    let job = ObjectBuilder::new().schema_type(Type::String).content_media_type("application/json").content_schema(Some(Ref::from_schema_name("Job")));
    ObjectBuilder::new().property("event", name).required("event").property("data", job).required("data").build()
}

fn bytes() -> Object {
    ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary))).build()
}

fn problem(why: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(why).content(PROBLEM, content).build()
}
