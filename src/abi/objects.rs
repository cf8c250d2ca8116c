//! Object management functions, PKCS#11 3.2 section 5.7.
use super::c_fn;
use super::caller::ulong;
use crate::ck::*;

c_fn! {
    /// Makes an object of a template.
    fn C_CreateObject(
        session: CK_SESSION_HANDLE,
        template: *mut CK_ATTRIBUTE,
        count: CK_ULONG,
        object: *mut CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        let place = caller.place(object)?;
        place.put(session.create_object(caller.template(template, count)?)?)
    }

    /// Copies an object, with the changes of a template.
    fn C_CopyObject(
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        template: *mut CK_ATTRIBUTE,
        count: CK_ULONG,
        copy: *mut CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        let place = caller.place(copy)?;
        place.put(session.copy_object(object, caller.template(template, count)?)?)
    }

    /// Destroys an object.
    fn C_DestroyObject(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) |_caller, module| {
        module.session(session)?.destroy_object(object)
    }

    /// About how many bytes an object takes.
    fn C_GetObjectSize(
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        size: *mut CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        caller.place(size)?.put(ulong(session.object_size(object)?)?)
    }

    /// Values of attributes.
    fn C_GetAttributeValue(
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        template: *mut CK_ATTRIBUTE,
        count: CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let wanted = caller.wanted(template, count)?;
        let answers = session.attributes(object, &wanted.types())?;
        wanted.put(&answers)
    }

    /// Changes attributes.
    fn C_SetAttributeValue(
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        template: *mut CK_ATTRIBUTE,
        count: CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        session.set_attributes(object, caller.template(template, count)?)
    }

    /// Starts a search.
    fn C_FindObjectsInit(
        session: CK_SESSION_HANDLE,
        template: *mut CK_ATTRIBUTE,
        count: CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        session.find_init(caller.search_template(template, count)?)
    }

    /// Goes on with it.
    fn C_FindObjects(
        session: CK_SESSION_HANDLE,
        objects: *mut CK_OBJECT_HANDLE,
        max: CK_ULONG,
        count: *mut CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let mut places = caller.places(objects, max)?;
        let count = caller.place(count)?;
        let found = session.find(places.room())?;
        count.put(places.put(&found)?)
    }

    /// Ends it.
    fn C_FindObjectsFinal(session: CK_SESSION_HANDLE) |_caller, module| {
        module.session(session)?.find_final()
    }
}
