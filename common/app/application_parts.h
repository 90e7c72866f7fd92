/* Private to the application: collecting its files. */
#ifndef APP_APPLICATION_PARTS_H
#define APP_APPLICATION_PARTS_H

#include "app/application.h"

/* SQL of the folders that the definition names, read, split and put in order. */
bool application_read_sql(struct application *a, const struct origin *src, struct findings *f);
/* Everything that is packed below app/, with digests, sorted, no name twice. */
bool application_read_files(struct application *a, const struct origin *src, struct findings *f);

#endif
