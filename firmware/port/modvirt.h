/* The types of the module `virt` that have a file of their own. */
#ifndef PORT_MODVIRT_H
#define PORT_MODVIRT_H

#include "py/obj.h"

extern const mp_obj_type_t virt_blk_type;

#endif
