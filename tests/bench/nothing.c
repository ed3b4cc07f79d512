/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program that ends at once, linked statically: the shortest life that a process can have. */

int main(void)
{
    return 0;
}
