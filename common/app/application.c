/* Brings a definition together with its compose files, images, SQL and files; from a bundle.yaml, from compose files alone, or from
 * image references. */
#include "app/application.h"

#include <string.h>

#include "app/application_parts.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

/* ---- variables of the machine on which the bundle is made: for image references only ---- */

struct surroundings {
    const struct application_options *o;
    struct env_pairs pairs;
    const char *file; /* where the pairs come from */
};

/* Like compose: the environment beats the env file. */
static const char *look_up(void *ctx, const char *name, struct err *e)
{
    const struct surroundings *s = ctx;
    const char *value = s->o->environment == NULL ? NULL : s->o->environment(name);
    return value != NULL ? value : env_pairs_get(&s->pairs, name, s->file, e);
}

static bool read_surroundings(struct surroundings *s, const struct origin *src, struct err *e)
{
    static const char dot_env[] = ".env";
    struct origin_stat st;
    if (s->o->env_file_text != NULL) {
        s->file = s->o->env_file_name;
        return env_file_read(&s->pairs, s->o->env_file_text, s->o->env_file_bytes, s->file, e);
    }
    s->file = dot_env;
    if (src == NULL || !origin_stat(src, dot_env, &st, e))
        return src == NULL;
    if (st.kind != ORIGIN_FILE)
        return true;
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_ENV_FILE_BYTES);
    bool ok = origin_read(src, dot_env, &text, e) && env_file_read(&s->pairs, buf_text(&text), text.len, dot_env, e);
    if (text.data != NULL)
        secret_wipe(text.data, text.len);
    return ok;
}

/* ---- images ---- */

static struct application_image *find_image(struct application *a, const struct ref *ref)
{
    for (size_t i = 0; i < a->n_images; i++)
        if (ref_equal(&a->images[i].ref, ref))
            return &a->images[i];
    return NULL;
}

static const struct image_place in_registry = { .kind = PLACE_REGISTRY };

/* An image whose place was said is that one wherever its name is written. */
static bool is_same_image(const struct application_image *a, const struct ref *written, const struct image_place *place)
{
    bool has_place = place->written != NULL;
    if (!ref_equal(&a->written, written))
        return false;
    return !has_place || a->place.written == NULL || image_place_equal(&a->place, place);
}

static void take_place(struct application_image *image, struct image_place *place)
{
    if (place == NULL || place->written == NULL)
        return;
    image_place_clear(&image->place);
    image->place = *place;
    image->original = place->has_ref ? place->ref : image->written;
    *place = (struct image_place){ 0 };
}

/* One name on the host can stand for one image only. Takes place (null: the registry of the name) over. */
static void add_image(struct application *a, const struct ref *written, struct image_place *place, const char *service, struct findings *f)
{
    const struct image_place *from = place != NULL ? place : &in_registry;
    struct ref ref = *written;
    compose_digest_tag(&ref);
    struct application_image *image = find_image(a, &ref);
    if (image == NULL) {
        if (a->n_images >= LIMIT_IMAGES) {
            findings_add(f, ERR_CONFIG, "more than %d images", LIMIT_IMAGES);
            return;
        }
        MEM_PUSH(a->images, a->n_images, a->cap_images) = (struct application_image){ .original = *written, .written = *written, .ref = ref };
        image = &a->images[a->n_images - 1];
    } else if (!is_same_image(image, written, from)) {
        bool is_other_place = ref_equal(&image->written, written);
        findings_add(f, ERR_CONFIG, "%s and %s would have one name on the host", is_other_place ? image->place.written : REF_SHOWN(&image->written),
                     is_other_place ? from->written : REF_SHOWN(written));
        findings_hint(f, "give them different tags");
        return;
    }
    take_place(image, place);
    if (service != NULL)
        texts_add(&image->services, service);
}

/* A place that says no name is asked for it. */
static bool parse_image(struct image_place *place, struct ref *name, const char *text, const struct application_options *o, struct err *e)
{
    bool has_name = false;
    if (!image_place_parse(place, name, &has_name, text, o->folder, e))
        return false;
    if (has_name)
        return true;
    if (o->image_name != NULL)
        return o->image_name(place, name, e);
    err_set(e, ERR_USAGE, "%s: the image needs a name", SHOWN(place->written));
    return err_hint(e, "NAME:TAG=%s", place->written);
}

static void add_extra_images(struct application *a, struct surroundings *s, struct findings *f)
{
    for (size_t i = 0; i < a->definition.images.n; i++) {
        struct err e = { 0 };
        struct ref name;
        AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_PATH_BYTES);
        AUTO(image_place_clear_auto) struct image_place place = { 0 };
        const char *written = a->definition.images.items[i];
        if (template_expand(&text, written, "images", look_up, s, &e) && parse_image(&place, &name, buf_text(&text), s->o, &e)) {
            add_image(a, &name, image_place_has_prefix(place.written) ? &place : NULL, NULL, f);
        } else {
            err_as(&e, ERR_CONFIG);
            findings_take(f, &e);
        }
    }
}

/* ---- what must hold between definition and compose files ---- */

static void check_variables(const struct application *a, struct findings *f)
{
    for (size_t i = 0; i < a->compose->n_variables; i++) {
        const struct compose_variable *v = &a->compose->variables[i];
        if (text_is(v->name, VARIABLE_HOST) || variables_find(&a->definition.variables, v->name) != NULL)
            continue;
        findings_add(f, ERR_CONFIG, "%s: variable %s is not declared", v->place, SHOWN(v->name));
        findings_hint(f, "add { name: %s, ... } to variables: in bundle.yaml", SHOWN(v->name));
    }
}

static void check_service(const struct application *a, const char *name, const char *what, struct findings *f)
{
    if (name == NULL || compose_service_find(a->compose, name) != NULL)
        return;
    AUTO(mem_auto) const char **names = mem_new_array(a->compose->n_services + 1, sizeof *names);
    for (size_t i = 0; i < a->compose->n_services; i++)
        names[i] = a->compose->services[i].name;
    findings_add(f, ERR_CONFIG, "%s: the compose files have no service \"%s\"", what, SHOWN(name));
    const char *near = text_nearest(name, names, a->compose->n_services);
    if (near != NULL)
        findings_hint(f, "did you mean \"%s\"?", near);
}

static void check_against_compose(const struct application *a, struct findings *f)
{
    const struct definition *d = &a->definition;
    check_variables(a, f);
    for (size_t i = 0; i < d->n_services; i++)
        check_service(a, d->services[i].name, "services", f);
    check_service(a, d->database.service, "database.service", f);
}

/* ---- the steps that all three ways share ---- */

static bool override_version(struct definition *d, const struct application_options *o, struct findings *f)
{
    struct err e = { 0 };
    if (o->version == NULL || version_parse(&d->version, o->version, "--version", &e))
        return true;
    err_as(&e, ERR_USAGE);
    return findings_take(f, &e);
}

static bool override_platforms(struct definition *d, const struct application_options *o, struct findings *f)
{
    static const char *const fallback[] = { "linux/amd64" }; /* not the host's: the same inputs give the same bundle */
    const char *const *texts = o->n_platforms > 0 ? o->platforms : fallback;
    size_t n = o->n_platforms > 0 ? o->n_platforms : 1;
    struct err e = { 0 };
    if (o->n_platforms == 0 && d->n_platforms > 0)
        return true;
    mem_free(d->platforms);
    d->platforms = mem_new_array(n, sizeof *d->platforms);
    d->n_platforms = 0;
    for (size_t i = 0; i < n; i++)
        if (!platform_parse(&d->platforms[d->n_platforms++], texts[i], &e))
            return findings_take(f, &e);
    return true;
}

static bool freeze(struct application *a, struct surroundings *s, struct findings *f, struct err *e)
{
    size_t before = f->n;
    if (!compose_freeze(a->compose, look_up, s, f, e))
        return false;
    for (size_t i = 0; f->n == before && i < a->compose->n_services; i++)
        add_image(a, &a->compose->services[i].original, NULL, a->compose->services[i].name, f);
    return true;
}

/* With a definition and (maybe) a compose model there: everything else. */
static struct application *complete(struct application *a, const struct origin *src, const struct application_options *o,
                                    struct findings *f, struct err *e)
{
    struct surroundings s = { .o = o };
    override_version(&a->definition, o, f);
    override_platforms(&a->definition, o, f);
    if (!read_surroundings(&s, src, e)) {
        findings_take(f, e);
    } else {
        bool ok = a->compose == NULL || f->n > 0 || freeze(a, &s, f, e);
        if (!ok)
            findings_take(f, e);
        add_extra_images(a, &s, f);
    }
    env_pairs_clear(&s.pairs);
    if (src != NULL) {
        application_read_sql(a, src, f);
        application_read_files(a, src, f);
    }
    if (findings_done(f, e))
        return a;
    application_free(a);
    return NULL;
}

struct application *application_read(const struct origin *src, const char *definition, const struct application_options *o,
                                     struct findings *f, struct err *e)
{
    AUTO(application_free_auto) struct application *a = mem_new(sizeof *a);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    struct definition *d = &a->definition;
    bool ok = origin_read(src, definition, &text, e) && definition_parse(d, buf_text(&text), text.len, definition, f, e);
    if (ok && d->compose.n > 0 && d->compose.n <= LIMIT_COMPOSE_FILES) {
        a->compose = compose_read(src, &d->compose, COMPOSE_AUTHOR, f, e);
        ok = a->compose != NULL;
    }
    if (!ok) {
        findings_take(f, e);
        return findings_done(f, e) ? TAKE(a) : NULL;
    }
    if (a->compose != NULL)
        check_against_compose(a, f);
    return complete(TAKE(a), src, o, f, e);
}

/* ---- without a bundle.yaml ---- */

/* A legal release name out of any text: "My Shop_2" gives "my-shop-2". */
static char *make_name(const char *from)
{
    struct buf name = BUF_LIMIT(64);
    enum { NAME_MAX_BYTES = 63 };
    for (const char *p = from; *p != '\0' && name.len < NAME_MAX_BYTES; p++) {
        char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
        bool is_fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (is_fine || (name.len > 0 && buf_text(&name)[name.len - 1] != '-'))
            buf_addc(&name, is_fine ? c : '-');
    }
    char *text = buf_take(&name);
    for (size_t n = strlen(text); n > 0 && text[n - 1] == '-'; n--)
        text[n - 1] = '\0';
    return text;
}

static bool need_version(struct definition *d, const struct application_options *o, const char *tag, struct findings *f)
{
    struct err e = { 0 };
    if (o->version != NULL || (tag != NULL && version_parse(&d->version, tag, "tag", &e)))
        return true;
    findings_add(f, ERR_USAGE, "the release has no version");
    return findings_hint(f, "give one: --version 1.0.0");
}

static bool looks_secret(const char *name)
{
    static const char *const ends[] = { "PASSWORD", "PASSWD", "PASS", "SECRET", "TOKEN", "_KEY" };
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (text_ends(name, ends[i]))
            return true;
    return false;
}

/* Without an author's word: what has no default must be set, and what is called a password is one. */
static void declare_variables(struct application *a)
{
    struct variables *all = &a->definition.variables;
    for (size_t i = 0; i < a->compose->n_variables; i++) {
        const struct compose_variable *from = &a->compose->variables[i];
        if (text_is(from->name, VARIABLE_HOST))
            continue;
        struct variable v = { .name = mem_text(from->name), .is_required = !from->is_optional };
        v.default_value = from->is_optional ? mem_text(from->default_value) : NULL;
        v.is_secret = looks_secret(from->name) && (v.default_value == NULL || v.default_value[0] == '\0');
        MEM_PUSH(all->items, all->n, all->cap) = v;
    }
}

struct application *application_from_compose(const struct origin *src, const struct texts *files, const char *fallback_name,
                                             const struct application_options *o, struct findings *f, struct err *e)
{
    AUTO(application_free_auto) struct application *a = mem_new(sizeof *a);
    struct definition *d = &a->definition;
    struct err name_error = { 0 };
    for (size_t i = 0; i < files->n; i++)
        texts_add(&d->compose, files->items[i]);
    a->compose = compose_read(src, files, COMPOSE_AUTHOR, f, e);
    if (a->compose == NULL) {
        findings_take(f, e);
        return findings_done(f, e) ? TAKE(a) : NULL;
    }
    d->name = a->compose->project != NULL ? mem_text(a->compose->project) : make_name(fallback_name);
    if (!definition_name_check(d->name, &name_error))
        findings_take(f, &name_error);
    need_version(d, o, NULL, f);
    declare_variables(a);
    variables_check(&d->variables, f);
    return complete(TAKE(a), src, o, f, e);
}

struct application *application_from_images(const char *const *references, size_t n, const char *name,
                                            const struct application_options *o, struct findings *f, struct err *e)
{
    AUTO(application_free_auto) struct application *a = mem_new(sizeof *a);
    struct definition *d = &a->definition;
    struct ref first;
    struct err about = { 0 };
    BUG_IF(n == 0);
    for (size_t i = 0; i < n; i++)
        texts_add(&d->images, references[i]);
    AUTO(image_place_clear_auto) struct image_place place = { 0 };
    if (!parse_image(&place, &first, references[0], o, &about)) {
        findings_take(f, &about);
        return findings_done(f, e) ? TAKE(a) : NULL;
    }
    const char *slash = strrchr(first.repository, '/');
    d->name = name != NULL ? mem_text(name) : make_name(slash == NULL ? first.repository : slash + 1);
    if (!definition_name_check(d->name, &about))
        findings_take(f, &about);
    need_version(d, o, first.tag, f);
    return complete(TAKE(a), NULL, o, f, e);
}

void application_free(struct application *a)
{
    if (a == NULL)
        return;
    definition_clear(&a->definition);
    compose_free(a->compose);
    for (size_t i = 0; i < a->n_images; i++) {
        texts_clear(&a->images[i].services);
        image_place_clear(&a->images[i].place);
    }
    for (size_t i = 0; i < a->n_files; i++) {
        mem_free(a->files[i].path);
        mem_free(a->files[i].text);
    }
    sql_set_clear(&a->migrations);
    sql_set_clear(&a->bootstrap);
    for (size_t i = 0; i < a->n_sql; i++) {
        mem_free(a->sql[i].path);
        mem_free(a->sql[i].text);
    }
    mem_free(a->images);
    mem_free(a->files);
    mem_free(a->sql);
    mem_free(a);
}
