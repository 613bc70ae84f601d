# Warnings for everything of ours. Errors are those that mean a bug whatever the compiler's age; the
# rest stays a warning, so that a newer clang does not break the build of an older checkout.
set(fencebench_errors
    return-type uninitialized conditional-uninitialized sometimes-uninitialized unused-result
    format switch reorder-ctor delete-non-virtual-dtor inconsistent-missing-override
    infinite-recursion null-dereference dangling return-stack-address unsequenced
    implicit-fallthrough shadow unused-variable unused-function)
list(TRANSFORM fencebench_errors PREPEND "-Werror=")
add_compile_options(-Wall -Wextra -Wshadow -Wconditional-uninitialized -Wimplicit-fallthrough
                    ${fencebench_errors})
