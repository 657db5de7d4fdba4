/* Counts the instructions that an emulated program executes: a TCG plugin for the user mode emulation of QEMU 7.2.
 *
 * The program books what it executed under an account by the system call MARK, which does nothing but fail (ENOSYS) on
 * a kernel and on a QEMU without this plugin: mark(n) books all since the last mark under n. For each account, the
 * file holds how many instructions were executed in each translated block of the program, by the block's address.
 * Numbers are 64 bits in this machine's order:
 *
 *     "COUNTS1\n"
 *     (account, n, n times (address of a block, instructions executed in it)) ...
 *
 * The last record, under the account LAST, is of what followed the last mark; a file without it is not whole. So is one
 * that could not be written or whose table found no memory, for which LAST is left out.
 *
 * The prototypes are those of the plugin interface, version 1 (QEMU's documentation, "QEMU TCG Plugins"); Debian ships
 * no header for it. Counters are plain additions, so a program should run in one thread. Linked with -nostdlib: the C
 * library is the one that QEMU brings, whatever this was compiled with.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK 7777
#define LAST UINT64_MAX
#define EXPORTED __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_info {
    const char *target_name;
    struct { int min, cur; } version;
    bool system_emulation;
    struct { int smp_vcpus, max_vcpus; } system;
};
enum { ADD_U64 = 0 };

typedef void translated_cb(plugin_id id, struct qemu_plugin_tb *block);
typedef void syscall_cb(plugin_id id, unsigned int cpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3,
                        uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8);
typedef void exit_cb(plugin_id id, void *userdata);

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, translated_cb *callback);
extern void qemu_plugin_register_vcpu_syscall_cb(plugin_id id, syscall_cb *callback);
extern void qemu_plugin_register_atexit_cb(plugin_id id, exit_cb *callback, void *userdata);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, int operation, void *counter,
                                                     uint64_t addend);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);

EXPORTED int qemu_plugin_version = 1;

/* The blocks, in pieces that never move, since translated code holds the addresses of the counters. */
enum { PIECE = 4096 };
struct block { uint64_t address, executed; };
struct piece { struct piece *next; size_t used; struct block blocks[PIECE]; };

static struct piece *pieces;
static FILE *file;
static bool whole = true;

static struct block *new_block(void)
{
    if (pieces == NULL || pieces->used == PIECE) {
        struct piece *piece = calloc(1, sizeof *piece);
        if (piece == NULL)
            return NULL;
        piece->next = pieces;
        pieces = piece;
    }
    return &pieces->blocks[pieces->used++];
}

static void count_block(plugin_id id, struct qemu_plugin_tb *translated)
{
    (void)id;
    struct block *block = new_block();
    if (block == NULL) {
        whole = false;
        return;
    }
    block->address = qemu_plugin_tb_vaddr(translated);
    qemu_plugin_register_vcpu_tb_exec_inline(translated, ADD_U64, &block->executed, qemu_plugin_tb_n_insns(translated));
}

static void write_numbers(const uint64_t *numbers, size_t count)
{
    if (fwrite(numbers, sizeof *numbers, count, file) != count)
        whole = false;
}

/* Write a record and set all counters to 0. */
static void book(uint64_t account)
{
    uint64_t header[2] = {account, 0};
    for (struct piece *piece = pieces; piece != NULL; piece = piece->next)
        for (size_t i = 0; i < piece->used; i++)
            header[1] += piece->blocks[i].executed != 0;
    write_numbers(header, 2);
    for (struct piece *piece = pieces; piece != NULL; piece = piece->next)
        for (size_t i = 0; i < piece->used; i++) {
            struct block *block = &piece->blocks[i];
            if (block->executed != 0) {
                uint64_t entry[2] = {block->address, block->executed};
                write_numbers(entry, 2);
                block->executed = 0;
            }
        }
}

static void on_syscall(plugin_id id, unsigned int cpu, int64_t number, uint64_t account, uint64_t a2, uint64_t a3,
                       uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    (void)id, (void)cpu, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (number == MARK && account != LAST)
        book(account);
}

static void on_exit_of_program(plugin_id id, void *userdata)
{
    (void)id, (void)userdata;
    if (whole)
        book(LAST);
    fclose(file);
}

/* -plugin libcounts.so,counts=PATH */
EXPORTED int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv)
{
    (void)info;
    if (argc != 1 || strncmp(argv[0], "counts=", 7) != 0 || (file = fopen(argv[0] + 7, "wb")) == NULL)
        return -1;
    whole = fwrite("COUNTS1\n", 1, 8, file) == 8;
    qemu_plugin_register_vcpu_tb_trans_cb(id, count_block);
    qemu_plugin_register_vcpu_syscall_cb(id, on_syscall);
    qemu_plugin_register_atexit_cb(id, on_exit_of_program, NULL);
    return 0;
}
